"""From a folder to the library: find files, read them, split them, embed them, store them."""
