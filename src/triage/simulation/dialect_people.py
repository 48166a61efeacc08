"""What people write: sales, customer service, planners, buyers, in five languages.

Blocks as in `dialect_systems`. A note may speak of two problems; the rule is that the one which
holds the order is its class, and that the other is said to be settled or not to hold it.
"""

SAY = """
capture: the order <came in with|has> a part number we <dont|do not> have ({junk}) <on line {ln}|>
capture: {so} was keyed <wrong|in a hurry>, {uom} instead of each on {item}, <can you fix|pls fix>
capture: line {ln} on {so} has no <ship date|quantity>, <what did they want|cant guess it>
capture: they wrote "{junk}" on the PO, I think they mean {item} but <not sure|need a yes>
capture: I entered {big} <pcs|each> on {so} should be {qty} <sorry|my mistake>
dup: <we have this one twice|looks like the same PO twice>, {so} and {other}
dup: {cust} sent <the PO again to be safe|it by fax and email>, only <one of them is real|ship once>
dup: <dont ship|hold> {so}, its the same as {other} <from last week|> I think
dup: customer says they only ordered once but <got two confirmations|we confirmed both>
addr: ship to for {so} is <their old building|a PO box|the office not the dock>, need the right one
addr: <zip {zip} is not in {st}|street number is missing>, {carr} wont take it
addr: no <53 footer|truck> can get in there, they need a <liftgate|small truck>. {so}
addr: {item} cant go <by air|into {st}>, need another way for {so}
credit: finance <wont release|is sitting on> {so}, they owe us {amt}
credit: {cust} is over <the limit|their line> again, {val} on {so} <can we get an exception|>
credit: <check is in the mail|wire went out {wd}> they say, please <let it go|free> {so}
credit: <can someone in AR|{person} can you> look at {cust}, {so} wont <go|move> until they pay
price: {cust} says {off}, <we have|system has> {price} on {item} <who is right|need a manager>
price: quote was {off} <good till {date}|from {person}>, {so} shows {price}
price: <the new contract is not loaded|their old price list is still in there>, {so} line {ln}
price: {so} priced per {uom} not each, thats {off} <lol|not right>
short: we are <out of|oos on> {item} at {site}, <supplier says {date}|nothing inbound> {so}
short: can <{site}|any other site> spare {qty} {item} for {so}? ours <is gone|comes {date}>
short: supplier <pushed|moved> {item} to {date}, so {so} <waits|will not make it>
short: only {got} of {qty} {item} <available|to promise> - ship partial or wait? {so}
alloc: {item} shows {qty} in the ERP, warehouse <says {got}|swears its {got}>, {so} stuck between
alloc: {so} is <allocated on my screen but floor has no task|reserved to stock already sold>
alloc: two orders on the same {qty} pcs of {item}, {so} <lost|needs re-allocating>
pick: floor <couldnt find|cant find> {item} in {bin}, {got} of {qty} <picked|in the tote> {so}
pick: bin {bin} was empty, <recount tonight|cycle count asked>, {so} parked
pick: {site} picked short {left} on {so}, system <still shows stock|says plenty>
delay: {carr} <lost a day|missed the connection> in {st}, {so} now {date2}
delay: tracking {trk} <hasnt moved since {wd}|still says {st}>, customer is <upset|waiting>
delay: storm in {st}, everything with {carr} is <late|backed up>, {so} too
damage: pallet for {so} arrived <crushed|wet|open>, they <refused it|took half>
damage: {cust} sent pictures, {n} of {ctn} cartons <broken|leaking>, <want new ones|who claims it>
damage: {carr} <dropped|tipped> the skid, {so} <needs reship|comes back>
integ: {so} never <made it to|showed up in> {site}, <interface down?|IT says queue was stuck>
integ: nothing from <EDI|the portal|{cust}> since {time}, {so} must be in <limbo|the queue>
integ: <restarted the job|resent the message> for {so}, <still nothing|no answer from {site}>
inv: {cust} was billed {qty} but <got|signed for> {got}, wont pay {so}
inv: invoice for {so} says {off}, PO says {price}, need a <credit memo|corrected bill>
inv: AP at {cust} <short paid|disputes> {amt} on {so}, freight <was prepaid|charged twice>
change: {cust} wants {so} <on {date2} instead|pushed a week|pulled in to {wd}>
change: can you <add {n} more|cut it to {got}|swap {item} for {item2}> on {so}, they called
change: buyer <changed his mind on|wants to drop> line {ln}, {so} not <shipped|out> yet right?
credit,price,capture,dup: {so} is blocked, <who can release it|what is missing>? needed {wd}
credit,price: need approval on {so} ({val}), <already asked {person}|past {time} now>
credit,price: they will <pay|accept> {off} not more, until then {so} <stays|is on hold>
alloc,integ,pick: {so} sits at {site} since {wd}, <nobody knows why|nothing happens>
alloc,pick,short: {site} says no {item}, I see {qty}. <help|what now>? {so}
short,pick: still missing {left} of {item} for {so}, <any news|since {wd}>
short,pick,alloc: {site} cannot fill line {ln} of {so}, {got} of {qty}
capture,addr,dup,price: {so} bounced back to me, <what is wrong with it|can you fix it>
credit,addr,capture: cannot release {so} <until we hear from {cust}|waiting on the customer>
credit,dup,addr: <do not ship|stop> {so} yet, {cust} <has to confirm|must call us> first
alloc,pick,short: short {left} on {item} for {so}, <what do i tell them|options>?
short,delay,change: {so} will not be there {date}, <new date {date2}|need a new date>
short,delay: {cust} asks <where {so} is|for an ETA on {so}>, {n} days <late|over>
delay,damage: {cust} did not get <all of|their> {so}, {carr} says <exception|ask terminal>
damage,pick,inv: {cust} only got {got} of {qty} {item} on {so}
damage,dup,addr,change: they <refused|sent back> {so}, <did not want it|wrong place?>
dup,change,inv: {cust} says they <do not need|never ordered> this one, {so}
dup,integ: {so} came <over twice|through again> after the <restart|resend>
addr,change: new ship to for {so}: {st} {zip}, <moved|other site>, <please update|can we still>
addr,capture,change: please correct {so} before it goes, see <attached|their mail>
price,inv,change: {cust} does not agree with the <amount|price> on {so}
price,capture: {so} total looks <way off|wrong>, {val} for {qty} {item}?
alloc,short,change: please move {so} to <{site}|another DC>, <asked twice|urgent>
integ,capture,dup: {so} <is not in the system|I cant find it>, PO {po} was sent {wd}
"""

ABROAD = """
capture: <el articulo|la ref> {junk} no existe, linea {ln} del pedido {so}, <favor revisar|ayuda>
capture: Artikelnummer {junk} <gibt es nicht|unbekannt>, Auftrag {so} Pos {ln}
dup: este pedido <ya lo mandamos|esta repetido>, {so} y {other}, solo uno por favor
dup: <Bestellung doppelt erfasst|kam zweimal>: {so} / {other}
addr: la direccion de {so} <esta mal|no existe>, cp {zip}
addr: Lieferadresse <falsch|unvollstaendig> bei {so}, PLZ {zip}
addr: adresse de livraison <incomplete|fermee>, {so}, {st}
credit: <ya pagamos|el pago sale> {wd}, favor liberar {so}
credit: <compte bloque|encours depasse>, {so} en attente de la compta
credit: Kreditlimit <ueberschritten|erreicht>, {so} bitte freigeben
price: el precio acordado es {off} no {price}, {so}
price: preco errado no item {item}, <combinado|contrato> {off} ({so})
price: Preis stimmt nicht, {off} <laut Angebot|vereinbart>, {so}
short: no <hay|tenemos> {item}, llega {date}, {so} <espera|queda pendiente>
short: <rupture|plus de stock> {item}, reappro {date}, {so}
short: sem estoque de {item} em {site}, <previsao|chega> {date}
alloc: {item}: System zeigt {qty}, Lager <nur {got}|sagt {got}>, {so} haengt
pick: no encuentran {item} en {bin}, {got} de {qty}, {so}
pick: Fach {bin} leer, {so} fehlt {left}
delay: <camion en retard|bloque par la neige> {st}, {so} livre {date2}
delay: el camion <no llego|viene tarde>, {trk} parado en {st}
damage: <palette cassee|cartons mouilles>, client refuse {so}
damage: llego <roto|mojado>, {n} cajas de {so}, mando fotos
integ: Schnittstelle <steht|haengt> seit {time}, {so} nicht angekommen
integ: o pedido {so} nao <entrou no sistema|chegou ao armazem>
inv: la factura de {so} <no coincide|esta mal>, {off} vs {price}
inv: Rechnung {so} <falsch|zu hoch>, Differenz {amt}
change: el cliente <quiere cambiar|cambio> la fecha de {so} al {date2}
change: Kunde moechte {so} erst {date2}, <Menge {got}|bitte aendern>
credit,price,capture,dup: {so} bloqueado, <quien lo libera|que falta>?
credit,price,addr,capture: {so} gesperrt, <wer gibt frei|bitte pruefen>
alloc,pick,short: falta {item} en {so}, <solo {got}|que hacemos>?
alloc,pick,short: {item} fehlt, {so} {got} von {qty}
short,delay,change: <ou en est|quand part> {so}? le client attend
delay,damage: <la livraison|o envio> {so} {trk} com problema em {st}
addr,change: nueva direccion para {so}: {st} {zip}
price,inv: diferencia de {amt} en {so}, favor aclarar
alloc,integ: {so} <no aparece en|kommt nicht an in> {site}
"""

VAGUE = """
*: <please see below|see attached|see my voicemail> re {so}
*: <any update on|news on|status of> {so}? customer <called again|is asking>
*: {so} <again|same story>. <call me|pls handle>
*: can you look at {so} <today|asap|when you have a minute>, {cust} <is waiting|escalated>
*: <mira esto|bitte ansehen|a voir>: {so}
*: {so} - <problem|issue>, talked to {person}, will <explain later|send details>
*: urgent {so} {cust} {date}
"""

ASIDES = {
    "capture": ("the wrong part number", "the typo on the order"),
    "dup": ("the second copy", "the double PO"),
    "addr": ("the ship to", "the dock address"),
    "credit": ("the past due", "the credit line"),
    "price": ("the price difference", "the quote"),
    "short": ("the backorder", "the out of stock item"),
    "alloc": ("the reservation mixup", "the stock sync"),
    "pick": ("the empty bin", "the missing pieces in the tote"),
    "delay": ("the late truck", "the tracking"),
    "damage": ("the crushed carton", "the claim"),
    "integ": ("the interface", "the lost message"),
    "inv": ("the invoice", "the credit memo"),
    "change": ("the new date they asked for", "the line they dropped"),
}
"""How somebody mentions a kind in passing."""

SETTLED = (
    "<btw|ps> {aside} is <sorted|done>, thats not it",
    "not about {aside} this time",
    "(forget {aside}, <fixed yesterday|closed>)",
    "{aside} came up too but <it can go with that|does not stop it>",
    "{aside} is a different order, dont mix them up",
)

BEFORE = (
    "first it was {aside}, <fixed now|ok now>. now",
    "{aside} is <solved|ok>, but",
    "after {aside} got <sorted|cleared>:",
)

GREETINGS = (
    *("", "", "", "Hi {person},", "hi", "Hello team,", "Hey {person} -", "Good morning,", "All,"),
    *("Hola {person},", "Hallo {person},", "Bonjour,", "Oi {person},", "{person}", "hi all -"),
)

FILLERS = (
    *("", "", "", "", "Please advise.", "thx for the quick help", "Can someone take this today?"),
    *("Customer is a key account.", "they called {n} times", "sorry for the trouble"),
    *("need it by {wd}", "I am out {wd}, ask {person}", "cc {person}", "gracias", "Danke", "merci"),
    *("let me know", "This is the third time this month.", "Pls reply to all"),
)

CLOSINGS = (
    *("", "", "", "Thanks, {clerk}", "Regards {clerk}", "- {clerk}", "{clerk} / inside sales"),
    *("Saludos, {clerk}", "MfG {clerk}", "Cordialement {clerk}", "Abs {clerk}", "Rgds"),
    *("Sent from my phone", "{clerk}, ext {n}", "Thanks {clerk} | Customer Care | {site}"),
    "This message may contain confidential information; if received in error delete it.",
)

QUOTED = (
    "-----Original Message----- From: {person} Sent: {wd} {time}",
    "> {person} wrote on {date}:",
    "FW: RE: {so} //",
    "Von: {person} Gesendet: {wd}",
    "El {wd} {person} escribio:",
)
