"""What the company's own systems write about an order in trouble: EDI gateway, ERP, WMS.

A line of a block names the kinds for which a text is used, then the text. A text that stands for
several kinds is ambiguous on purpose: the words are the same, and only the order's own state (how
far it is, what it is worth, whether it was shipped) tells which of them it is.

`{...}` is a fact of the order, `<a|b>` a choice; see `dialect_grammar`.
"""

EDI = """
capture: 855*00*RJ*{po}~ACK*IR*{qty}*EA**BP*{item}~NTE*<ITEM NOT ON FILE|NO XREF FOR BUYER PART>
capture: 850 {po} LINE {ln} REJ: <UOM {uom} NOT VALID FOR|QTY NOT MULTIPLE OF PACK FOR> {item}
capture: AK3*PO1*{ln}**8~AK4*6*234*<7*|1*>{junk}~ IN PO {po} <MANDATORY ELEMENT|CODE VALUE>
capture: 850 <LOADED W/ ERRORS|PARKED> {po}: REQ DATE {olddate} <IN PAST|BEFORE PO DATE>
capture: 850 {po} PO1 {ln} BUYER PART {junk} <UNKNOWN|NOT IN CATALOG> - PARKED FOR <CS|OE>
dup: 850 {po} <ALREADY RECEIVED CTL|SAME PO NO AS CTL> {ctl}, 2ND COPY <PARKED|HELD>
dup: BEG*00*SA*{po}**{date}~ <REPEATED BEG03|PO NO USED> SEE CTL {ctl}
dup: 997*R*850*{ctl}~AK5*R*<23|5>~ SET CTL NO <REPEATED|NOT UNIQUE> {po}
dup: PO {po} <RESENT|SENT TWICE> BY {cno} <WITHIN {hrs} H|SAME DAY>, SAME LINES
addr: 850 {po} N1*ST*92*{cno}~ SHIP TO <CODE NOT ON FILE|LOCATION CLOSED|NOT MAPPED>
addr: N4*{junk}*{st}*{zip}~ <ZIP/STATE CONFLICT|CITY MISSING> PO {po}
addr: 850 {po} N3 <BLANK|PO BOX ONLY> ST LOOP, <NO ROUTE|CARRIER TABLE MISS> {st}
credit: 855*00*AH*{po}~NTE*<PENDING FINANCE|TERMS NOT MET>~ CUST {cno}
credit: 855 {po} AK HOLD <ACCT STATUS 3|ITD TERMS> NO SHIP DATE ISSUED
price: 855*00*AC*{po}~ACK*IP*{qty}*EA~CTP**<CON|RES>*{price}~ PO SAYS {off}
price: 850 {po} PO1 {ln} UNIT {off} VS <CATALOG|AGREEMENT|FILE> {price}, <TOL 2 PCT|OVER TOL>
price: 850 {po} CTP {off} <CUR MISSING|BASIS {uom}> LINE {ln} <OUT OF TOLERANCE|DIFF {pct} PCT>
price: ACK*IP*{qty}*{uom}*{off}~ <PRICED DIFFERENTLY|PRICE CHG> {item} PO {po}
short: 855*00*AC*{po}~ACK*IB*{qty}*EA*068*{date}~ <BACKORDERED|BO> {item}
short: 855*00*AC*{po}~ACK*<BP|IQ>*{got}*EA~ OF {qty} {item} BAL {date}
short: 870 {po} LINE {ln} STATUS BO <EST AVAIL|ETA> {date}
short: 846 {item} QTY 0 {site} <OPEN PO|DEMAND> {po}
integ: 997 NOT RECEIVED <WITHIN {hrs} H|BY CUTOFF> FOR 855 CTL {ctl}
integ: AS2 <MDN FAIL|TIMEOUT|CERT EXPIRED> {cno} MSG {hex} <RETRY {n}|QUEUED> {po}
integ: TRANSLATOR ABEND <MAP 850_IN|STEP XLATE> CTL {ctl} <SESSION LOST|FILE PARTIAL>
integ: 940 {so} <NO 997 FROM {site}|SENT, NO ACK> CTL {ctl} <RESEND|RETRY {n}>
integ: ISA*{ctl}~ GROUP OUT OF BALANCE, <GE01 NE COUNT|SEGMENTS LOST>, {po} <NOT POSTED|DROPPED>
inv: 810 {ctl} <REJECTED|DISPUTED> 824*TR~ <TOTAL NE PO|QTY INVOICED NE RECEIVED> {po}
inv: 812 DEBIT {amt} {po} <QTY|PRICING|ALLOWANCE> <SHORT PAY|CHARGEBACK>
inv: 820 REMIT {po} <SHORT {amt}|DEDUCTION {amt}> RSN <04|56|L3>
change: 860*04*{po}~POC*{ln}*<QD|QI|DI>*{got}~ <AFTER ACK|POST RELEASE> {so}
change: 860 {po} <CHG REQ DATE TO {date}|CHG SHIP TO|DEL LINE {ln}> BUYER {person}
change: 860*01*{po}~ CANCEL <LINE {ln}|BALANCE> RECEIVED AFTER ACK
capture,addr,price: 850 {po} <PARKED|SUSPENDED> <VALIDATION|APP ADVICE> <SEE 824|RSN 9> {cno}
capture,dup,integ: 997*R*850*{ctl}~AK5*R*5~ <NOT POSTED|GROUP REJECTED> {po}
capture,price,change: 855*00*AC*{po}~ACK*IC*{qty}*EA~ ACCEPTED WITH CHANGES LINE {ln}
dup,integ: CTL {ctl} <SEEN BEFORE|OUT OF SEQUENCE> {cno}, {po} <NOT LOADED|ON HOLD>
dup,change: <850 AFTER 850|2ND PO MSG> {po} <DIFFERS LINE {ln}|QTY {qty}/{got}>
price,inv: <UNIT PRICE|AMOUNT> {off} NE {price} {po} LINE {ln} <TOL|824*TE>
credit,capture,price: 855*00*AH*{po}~ ACK HOLD, DETAIL PENDING
short,change: 855*00*AC*{po}~ACK*<IQ|DR>*{got}*EA*068*{date}~ LINE {ln}
capture,dup,addr: 850 {po} <EXCEPTION QUEUE|MANUAL REVIEW> {cno} <DOC {ctl}|>
capture,addr: 824*TR*{po}~TED*848~ <INCORRECT DATA|REF {junk}>
integ,capture,dup,addr,inv,change,price: <824|997> CTL {ctl} <RSN ZZZ|ERR 012> {po}
"""

ERP = """
capture: V1-{n}: <material|item> {junk} <does not exist|not in sales org>, order {so} incomplete
capture: {so}/{ln} <unit {uom} not maintained|min qty not reached> for {item} <INCOMPLETE LOG|>
capture: SALES ORDER {so} <REQ DELIV DATE {olddate} IN THE PAST|NO PLANT DETERMINED> ITEM {ln}
capture: OE-{n} {so} <header text missing|customer PO no. blank|incoterm missing>, <save w/ block|>
capture: {so} item {ln} <qty {big} implausible|unusual qty {big}> <check entry|keyed by {user}>
dup: V4-{n}: customer PO {po} <already used in|exists in> {other} (<warning|error>)
dup: {so} <same sold-to, value and date as|looks like copy of> {other}, <hold set|not confirmed>
dup: DBL-CHECK {so} vs {other}: <lines identical|{n} of {n} lines match> cust {cno}
addr: SHIP-TO {cno} <TRANSP ZONE MISSING|POSTAL CODE {zip} INVALID FOR {st}> {so}
addr: {so} <no route|route undetermined> {site} -> {st}{zip} <dock hours unknown|lift gate req>
addr: ADR-{n} tax jurisdiction <not found|ambiguous> {st} {zip} {so}
addr: {so} <hazmat|DG> item {item} not allowed <to {st}|by air> - <reroute|change service>
credit: FI-{n} {so}: <exposure|open items> {val} exceeds limit {lim} cust {cno}
credit: CREDIT CHECK <DYNAMIC|STATIC> NOT OK {so} <OLDEST OPEN ITEM {n} D|DUNNING LEVEL {lvl}>
credit: {cno} <past due {amt}|prepayment not received>, {so} <stopped by FI|to FSCM queue>
price: {so}/{ln} net {off} <below floor|deviates {pct}% from cond. PR00> {price} <wait for PM|>
price: CND-{n} manual price {off} on {item} <needs approval|outside tolerance> {so}
price: {so} item {ln} <zero margin|PB00 mismatch|cust expected price {off}> calc {price}
price: {so}/{ln} <price per {uom}|currency> of entry differs from <agreement|price file> {item}
short: ATP {so}/{ln} {item} {site}: confirmed {got} of {qty} <next receipt {date}|no receipt>
short: {item} {site} <not available|no stock>, sched line {ln} moved to {date} ({so})
short: BOP RUN: {so} <lost confirmation|0 confirmed> {item} <reschedule|backlog>
alloc: RES-{n} {so}: reserved {qty}, <WM stock|bin qty> {got} {site} <difference|resync>
alloc: {item} {site} <IM/WM differ by {n}|two reservations on one lot> {so}
alloc: DELIV {so} <alloc status A in ERP, B in WM|hard alloc lost> item {ln}
pick: DELIV {so} item {ln} <pick qty {got} lt deliv qty {qty}|picking incomplete> {site}
pick: {so} GI not possible, <picked {got}|diff in picking> {item}
integ: IDOC {ctl} STATUS <51|03|29> <ORDERS05|SHPORD> <partner {cno}|port {site}>: <stuck|open>
integ: JOB <Z_ORD_IN|Z_WM_OUT> CANCELLED {time} <TSV_TNEW|RFC ERROR|LOCK TABLE> {so}
integ: qRFC {site} <SYSFAIL|RETRY|CPICERR> LUW {hex} {so}
integ: {so} <interface queue standing since|no response from middleware since> {time}
inv: MIRO/VF-{n} {so}: billed {qty}, <delivered|POD> {got} <blocked for payment|dispute case>
inv: BILLING {so}: amount {off} <vs order|vs contract> {price} <credit memo req|dispute {ctl}>
inv: FSCM DISPUTE {ctl} {cno} {amt} <short paid|tax wrong|freight charged twice> {so}
change: {so} CHANGED BY {user} AFTER <RELEASE|CONFIRMATION>: <qty {qty} to {got}|date to {date}>
change: {so} <rejection reason 05|cust asked>: <line {ln} out|new ship date {date}> <re-ATP|>
credit,price,capture: S-210 ORDER {so} BLOCKED - <see incompletion log|release by {user} needed>
credit,price: {so} <BLOCKED VALUE {val}|STATUS CMGST B>, <approval step 2|waits for release> {user}
credit,price,addr: DELIVERY BLOCK <Z1|Z4|01> SET {so} CUST {cno} <auto|rule {n}>
capture,dup: {so} <REVIEW BEFORE CONFIRM|ENTRY CHECK> RULE {n} <PO {po}|CUST {cno}>
capture,price: {so}/{ln} <VALUE|QTY X PRICE> {val} <UNUSUAL|OUT OF RANGE> <CHECK ENTRY|>
dup,integ,inv: <SECOND POSTING|DOC ALREADY POSTED> {ctl} REF {po} <{so}|>
short,alloc: {so}/{ln} {item} <NOT FULLY RESERVED|MISSING QTY {n}> {site} RULE <A|02>
alloc,integ: {so} <NOT IN WM|NO TRANSFER ORDER> {site} <DELIV CREATED {time}|SINCE {hrs} H>
alloc,pick,short: {item} {site} <STOCK DIFF {n}|NEG AVAIL> <INVENTORY CHECK|CC REQUESTED> {so}
short,change,pick: {so}/{ln} SCHED LINE CHANGED {qty} -> {got} <{date}|>
price,inv: {so} <PRICE|AMOUNT> DIFFERENCE {amt} <TOLERANCE KEY|RULE> <PP|DQ>
credit,price: {so} <APPROVAL|AUTHORITY> LIMIT EXCEEDED {val} USER {user} <STEP {lvl}|>
credit,price,addr,capture: {so} SAVED WITH BLOCK, <CS WORKLIST|TASK {ctl}> {cno}
capture,addr,dup: {so} <DATA CHECK FAILED|MASTER DATA?> {cno} <RULE {n}|LOG {ctl}>
short,pick: {so}/{ln} {item} <OPEN QTY|REMAINDER> {left} {site} <{date}|NO DATE>
addr,change: {so} SHIP-TO <CHANGED|OVERWRITTEN> AFTER CONFIRMATION, NEW ROUTE NEEDED
credit,change,dup: {so} ON HOLD BY {user}, <CALL CUSTOMER|CS TO CALL {person}>
credit,price,capture,dup,addr,short,integ: WF-{n} ORDER {so} <NOT PROCESSED|ON HOLD> <log {ctl}|>
"""

WMS = """
addr: SHP STN {n}: LBL REJ {so} <ADDR LEN|ZIP {zip}|NO CARR SVC {st}>
short: WV{n} {so} L{ln} {item} <NO ATP|0 ATP> {site} <WAIT RCPT|B/O>
short: REPL REQ {item} NO RESERVE {site}, <INBOUND {date}|NO INBOUND> {so}
short: {so} HELD OUT OF WAVE, {item} NEED {qty} HAVE {got} <RCV PEND|>
alloc: E17 {so} <HOST RSV {qty} / LOC {got}|RSV NOT IN HOST> {item} {bin}
alloc: {so} <ALLOC W/O STOCK|DBL ALLOC LPN {lpn}> {bin} <DE-ALLOC|SUPV>
alloc: HOST SYNC {site}: {item} H={qty} W={got} <ADJ PEND|NO ADJ> {so}
alloc: {so} <STAT 30 HOST / 10 WMS|SOFT ALLOC ONLY> TASK NONE
pick: E17 <SHT PK|PK SHT> {so} {bin} {got}/{qty} {user}
pick: LOC {bin} EMPTY <SYS {qty}|SYS SHOWS {qty}> {item} {so} <CC REQ|RECNT>
pick: {so} TOTE {lpn} <MISS {left} EA|QTY VAR -{left}> {item} <SKIP|SHORTED>
pick: PKR {user} <NOT FOUND|CANT LOCATE> {item} {bin} TRY ALT <NONE|{bin}>
pick: {so} {bin} <WRONG ITM|MIX LOT|BRKN CASE> PKD {got} OF {qty}
integ: IF02 {so} <MSG DUP KEY|XML ERR POS {n}|NO HDR> <PARKED|REQUEUE>
integ: HOST LINK DN {time} {site} <Q DEPTH {big}|RETRY {n}>
integ: {so} <DNLD FAIL|ORD MSG INCOMPL> L{ln} <RESEND|ASK HOST>
integ: PRT/CARR API <TMO|500> {so} MANIFEST NOT SENT
change: {so} <CHG AFTR REL|HOST CXL LN {ln}> <PULL TOTE {lpn}|STOP PICK>
change: PUTBACK {so} {item} {n} EA <CUST CHG|ORD MODIFIED>
alloc,pick: E17 {so} {bin} <QTY MISM|CHK QTY> {got}/{qty}
alloc,pick: {item} {bin} SYS {qty} ACT {got} <CC REQ|SUPV>
alloc,pick,short: E09 {so} L{ln} {item} <INSUF QTY|CANT FILL> <SUPV|HOLD>
alloc,integ: {so} <NO TASK|STUCK STAT 20> {hrs}H <REPOST|CHK HOST>
alloc,integ: HOST/WMS <OUT OF STEP|DIFF> {so} {time} <RESYNC|MSG LOST?>
short,pick: {so} {item} B/O {left} <OF {qty}|> {site}
change,integ: {so} <VERSION DIFF|HDR CHGD> <REDNLD|PULL>
short,pick,alloc: {so} L{ln} {item} {got}/{qty} <PART|WAIT|HOLD>
integ,alloc: {so} <NO WAVE|NOT IN WV> {n} <HOST?|CHK>
alloc,pick,integ,short,change: {so} EXC <99|00> <SEE SUPV|HOLD> {user}
"""
