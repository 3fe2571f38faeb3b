"""The evaluation room: labelled pictures through the exported artefact to figures, a table and a report."""
