"""The games that come with the server; others are installed beside it as packages."""
