"""How fast the whole product is: `bench/run` starts it, loads it and prints one table."""
