"""Small synthetic samples, the table of public real ones, and the code that draws the synthetic ones."""
