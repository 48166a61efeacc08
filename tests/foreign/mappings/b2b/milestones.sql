-- Four columns of the order book, some German, some ISO.
SELECT _file, _row, Auftragsnr AS order_id, 'order_validated' AS milestone, Bestaetigt AS event_time
FROM auftraege WHERE Bestaetigt IS NOT NULL
UNION ALL
SELECT _file, _row, Auftragsnr, 'shipment_dispatched', strptime(Versendet, '%d.%m.%Y %H:%M')::VARCHAR
FROM auftraege WHERE Versendet IS NOT NULL
UNION ALL
SELECT _file, _row, Auftragsnr, 'delivered', Zugestellt
FROM auftraege WHERE Zugestellt IS NOT NULL
UNION ALL
SELECT _file, _row, Auftragsnr, 'order_cancelled', strptime(Storniert, '%d.%m.%Y %H:%M')::VARCHAR
FROM auftraege WHERE Storniert IS NOT NULL
