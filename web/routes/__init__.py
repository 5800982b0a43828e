"""The routes: read the input, find the thing through its owner, call one rule, present."""
