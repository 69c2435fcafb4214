"""The website's door without a web server: sessions, limits, what comes in and what goes out."""
