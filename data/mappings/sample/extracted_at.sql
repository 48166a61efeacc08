-- The extract says itself when it was taken.
SELECT taken_at FROM extract
