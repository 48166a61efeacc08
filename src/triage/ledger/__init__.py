"""What must never be lost: decisions, and what people did about them, in an auditable chain.

An entry is durable when it is acknowledged: it is in the `journal` (a file that is flushed once for
everybody who waits). A thread moves entries to the `store` (SQLite or PostgreSQL) afterwards, so a
database that is slow, locked or down holds nobody up. Reads see acknowledged entries at once.

The service, on its event loop::

    ledger = Ledger.open(home, url)                      # url None: SQLite in the home
    draft = Draft("decision", canonical(facts), order_id, personal=None, id=decision_id)
    (entry,) = await ledger.record_async(draft)          # durable; entry.seq, entry.hash
    ledger.status()                                      # for /readyz and metrics; costs nothing

People and programs that send their own ids, from a thread: `ledger.record(draft)`; an id that is
there already is a DuplicateEntryError. Reads: `get`, `of_order`, `last`, `since`, `entries`. All of
them raise StoreUnavailableError (503) if they cannot be answered now.

The command line, beside a service that runs::

    reading = open_reading(home, url)
    verify(reading, public_key)                          # AuditResult: ok, or bad_seq and why
    make_checkpoint(reading, Signer.load(home / "ledger" / "signing.key")).to_json()
    verify_against(reading, Checkpoint.from_json(kept_elsewhere), public_key)

`ledger.erase` and `ledger.retain` belong to the process that owns the ledger (`triage audit`, with
the service stopped). The journal alone, for events: `Journal.open(folder)`, `append`,
`append_async`, `read`, `release`.
"""
