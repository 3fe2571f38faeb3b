"""What each idea is worth: from the reference's recipe to the preset `quick`, one step at a time, each row a run."""
