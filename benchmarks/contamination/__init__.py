"""What defects hidden among the good pictures cost, and how many of them the doctor finds."""
