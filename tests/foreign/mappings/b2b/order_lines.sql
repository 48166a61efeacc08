-- One row an order line; a comma stands before the decimals.
SELECT _file, _row,
       Auftragsnr AS order_id,
       Pos AS line_no,
       Artikel AS sku,
       replace(Menge, ',', '.') AS quantity,
       replace(Preis, ',', '.') AS unit_price,
       replace(Gewicht_kg, ',', '.') AS weight_kg,
       Warengruppe AS category,
       Lager AS site
FROM positionen
