"""From predictions to advice: reasons in words, exposure, order of work. Pure functions."""
