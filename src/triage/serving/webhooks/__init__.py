"""What changes is told to declared receivers: signed, and tried again until it is taken.

What is in the outbox is not lost. A change that was not told yet when the process ends is: scores
that wait to be assessed again are assessed at the next start without telling anybody.
"""
