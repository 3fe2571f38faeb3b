"""What an operator is told, and how soon, when the lamp dims, the lens loses focus, or a new defect appears."""
