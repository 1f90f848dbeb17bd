"""What is pretrained: where weights come from, how they are checked, loaded and run."""
