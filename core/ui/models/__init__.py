"""The Models page: cards, charts, and models of the user's own."""
