"""How good pictures are shown in training, and the synthetic defects that are drawn on them."""
