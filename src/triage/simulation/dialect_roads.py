"""What those write who move the goods or run a site for us: TMS, carriers, storefront, 3PL.

Blocks as in `dialect_systems`.
"""

TMS = """
addr: SHPT {load} <CANT RATE|NO LANE> {site}-{st}{zip}: <no service|limited access fee?>
addr: {so} TENDER DECLINED: <consignee not found|appt required no phone> {st}
addr: GEOCODE FAIL {so} <street missing|zip {zip} not in {st}>
addr: {load} <residential, no dock|liftgate needed> {st} - <rebook|ask CS>
delay: {load} ETA <slipped|chg> {date} -> {date2} <linehaul|hub {st}> {carr}
delay: {so} <NO SCAN {hrs}H|LATE DEPART> {carr} last <{st} hub|{site}>
delay: MILESTONE MISSED X3/AF {load} {carr} <weather {st}|equipment|road closed>
delay: {load} <missed connection|trailer not pulled> {st}, <next dep {wd}|ETA+{n}D>
damage: {load} OS&D <wet|crushed|pallet shifted> {n} ctn {carr} <photo on file|claim {ctl}>
damage: {load} <REFUSED BY CONSIGNEE|RETURN TO SHIPPER> <broken skid|leaking> {so}
damage: CLAIM OPENED {ctl} {so} {amt} <concealed|visible> {carr}
integ: 214 FEED {carr} <NOT PARSED|STOPPED {time}> {load} status unknown
integ: {so} <not received from ERP|shipment msg rejected by TMS> <retry {n}|map err>
integ: API {carr} <401|timeout|503> label/booking not created {load}
inv: FRT BILL {load} {amt} <vs quoted {price}|dup pro {trk}> <audit hold|dispute>
change: {so} <appt moved by customer|consignee asks> {date2} <redirect|hold at terminal>
delay,damage: {load} EXCEPTION {carr} <DEL ATTEMPT|AT TERMINAL> {st} <code 22|see notes>
delay,damage: {so} NOT DELIVERED {date} {carr} <S1|rsn A7>
delay,damage,addr,change: {load} <ON HAND|HELD> {st} terminal, <awaiting instr|call cnee>
delay,damage: {load} {carr} <EXCEPTION|DISPATCH NOTE> {st} <ETA UNKNOWN|CALL {person}>
delay,integ: {load} NO 214 SINCE {time} {carr} <status?|assume in transit>
addr,change: {load} <REDIRECT|RECONSIGN> to {st}{zip} <pending|fee {amt}>
delay,addr,damage: {load} DELIVERY FAILED <{time}|attempt {lvl}> {carr} {st}
delay,integ,addr,damage: {load} ALERT L{lvl} <unplanned event|manual action> {so}
"""

CARRIER = """
addr: <pkg|shpt> {trk} can't route - <bad zip {zip}|no such street|suite # missing> <pls advise|>
addr: pro {trk}: <consignee moved|business closed|gate locked no code>, need <corr addr|new addr>
addr: will not go to {st}{zip} w/ <53ft|tractor>, street too tight. {trk}
delay: {trk} <running behind|delayed> <wx {st}|snow|flooding|I-40 closed>, new del {date2}
delay: <driver out of hours|truck broke down|missed sort> {st}. <del tmrw|rebooked {wd}> {trk}
delay: pro {trk} <left on dock|trailer misloaded>, <moving tonight|on next linehaul>
delay: {trk} <backlog|volume> at {st} <hub|terminal>, <1-2 days|{n} days> late, sorry
damage: {trk} <box crushed|skid tipped|forklift hole>, {n} of {ctn} <unusable|wet>
damage: pro {trk} <refused|cnee refused> {n} ctns <dmg|leaking|open> see pics
damage: driver rpt: load shifted, {n} <cases|cans> <burst|bent> {trk} <holding for claim|dispose?>
damage: {trk} repack at {st}, <short {n} ctn after repack|contents loose>
integ: we have no <pickup request|manifest> for {so} {site} {date}
integ: your 204 <came blank|failed on our side>, resend pls {load}
change: cnee <asked us to hold|wants it {date2} instead|wants other dock> {trk}
delay,damage: X6 {trk} {st} <exception|held> <see note|>
delay,damage: {trk} <problem on the way|trouble w/ this one>, {st}, <will call|more tmrw>
delay,damage: {trk} not out for del, <being checked|on hold> at {st} <terminal|>
delay,addr: {trk} att {lvl} <no one there|closed>, try {wd}
damage,addr,change: {trk} <refused|not accepted> by cnee, <no reason|not expecting it>. instr?
delay,damage: {n} of {ctn} delivered, <rest not on truck|bal missing> {trk}
delay,damage,addr: X9 {trk} <rtn to term|undeliv> {st}
delay,damage,addr,change: {trk} need disposition <asap|by {wd}> storage starts
"""

STORE = """
capture: Order {po}: <option no longer sold|SKU {junk} retired> but purchased, qty {qty}
capture: [{po}] <cart total and lines differ|unit '{uom}' unknown>, <skipped line {ln}|stopped>
capture: Listing {junk} maps to <no item|2 items>; {po} waits in import
dup: Order {po}: buyer <clicked twice|paid twice>, same cart as {po2}
dup: Possible repeat purchase {po} / {po2}, {hrs} h apart, same card
addr: Order {po}: address not <verified|deliverable>: "{junk}, {st} {zip}"
addr: {po} ships to <PO box|military mail|freight forwarder>, <service not allowed|>
credit: {po} payment <authorization expired|declined>, <funds not captured|fraud review>
price: {po} sold at {off}, <feed price|our price> {price} <promo ended?|rounding>
price: Price alert {item}: <marketplace shows|coupon makes> {off}
short: Oversold: {item} ordered {qty}, <feed stock|available> {got} ({po})
short: {po} <late shipment risk|cannot confirm>: {item} out of stock
integ: Webhook order.created {po} <HTTP 500|timed out|retry {n}/5>
integ: Feed <inventory|orders> last success {time}; {po} not acknowledged
inv: Payout differs for {po}: expected {price}, got {off}
change: Buyer message on {po}: "<can i still change the size|please send later|cancel 1 of {qty}>"
change: {po} cancellation request <partial|line {ln}> by buyer, order already <confirmed|in process>
capture,integ: {po} import failed (<code 422|E-{n}>)
capture,dup,addr,change,price: {po} <needs review|action required> before {date}
dup,integ: {po} <already exists|conflict 409> ref {hex}
short,integ: {po} not confirmed in time, <auto-cancel|penalty> in {hrs} h
credit,addr,dup: {po} flagged by <risk rule {n}|review team>, do not ship
addr,change: buyer updated address of {po} <after payment|{hrs} h later>
"""

THIRD_PARTY = """
short: {so} - we do not have {item}, <0 on hand|only {got}>. when is next inbound
short: Order {so} backordered our side, {qty} req <ASN for {date}?|no ASN>
alloc: {so} {item}: your file says {qty} avail, <we show {got}|ours quarantined>
alloc: stock report <does not match|off by {n}> {item}, {so} allocated on your end only
alloc: {so} <lot reserved to other client order|hold code Q on {item}> cannot alloc
pick: {so} short {left} x {item}, loc {bin} <empty|counted {got}>
pick: {so} picked {got} of {qty}, <rest damaged in rack|could not find>, ship as is?
integ: we never got {so}, <file of {date} was empty|ftp down {time}>
integ: {so} <in file twice|header w/o lines>, not loaded
change: {so} was <packed|staged> when change came, <restock fee applies|repack {date}?>
addr: {so} label will not print, <zip|state> {st} {zip} <bad|?>
alloc,pick: {so} {item} sys {qty} phys {got}, pls adj
alloc,pick,short: {so} cannot ship complete, {item} <-{left}|{got} only>
alloc,integ: {so} not in our queue, <resend|check> pls
short,pick: {so} {item} b/o {left}
alloc,pick,short,integ,change: ticket {ctl} {so} on hold <waiting on you|pls advise>
"""
