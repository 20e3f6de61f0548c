"""From facts to sentences: a report says no more than its facts, and each sentence names the facts that it states."""
