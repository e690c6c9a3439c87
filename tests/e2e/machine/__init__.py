"""What a node does to the machine that it runs on: nothing that stays."""
