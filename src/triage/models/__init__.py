"""Predict and explain: landmarks, survival curves, bundles. Bytes in, digest out."""
