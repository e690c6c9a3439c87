"""The demo: what the archiver does, seen on 50 sample resources."""
