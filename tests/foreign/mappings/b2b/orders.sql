-- One row an order, German times.
SELECT _file, _row,
       Auftragsnr AS order_id,
       strptime(Angelegt, '%d.%m.%Y %H:%M') AS event_time,
       strptime(Zugesagt, '%d.%m.%Y %H:%M') AS promised_by,
       Kunde AS customer_id,
       Kundengruppe AS customer_tier,
       lower(Kanal) AS channel,
       Zahlungsart AS payment_method,
       left(Empf_PLZ, 2) AS destination_region,
       left(Empf_PLZ, 3) AS destination_area,
       Spediteur AS carrier,
       Versandart AS service
FROM auftraege
