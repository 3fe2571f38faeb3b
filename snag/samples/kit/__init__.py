"""The drawing kit: what every drawn set is made with.

Noise, shapes with soft edges, the camera's share, and folders in MVTec's layout. Pictures depend on their seed and on nothing
else: no set shares its random numbers with another, and nothing here is used by the synthetic defects of training.
"""
