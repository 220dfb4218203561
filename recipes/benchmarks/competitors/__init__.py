"""What the benchmarks compare cctzoo with."""
