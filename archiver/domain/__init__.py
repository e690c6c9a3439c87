"""The rules, without input or output: every function here gives the same answer for ever."""
