"""Everything between a job's claim and its final save."""
