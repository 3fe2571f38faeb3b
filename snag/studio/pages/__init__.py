"""The pages of the studio, a file for each: what is shown, and what is called when somebody presses a button."""
