"""From arrays to pictures, for pages, reports and the command line alike."""
