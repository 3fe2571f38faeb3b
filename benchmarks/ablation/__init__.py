"""What each idea is worth: from the baseline's recipe to the preset `quick`, one step at a time, each row a run."""
