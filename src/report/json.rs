//! One JSON object a line, as the README describes them.

use std::io::{self, Write};

use super::Item;

/// Writes an item as one line.
///
/// # Errors
///
/// When the writer fails.
pub fn write(item: &Item, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::every_item;

    /// The schema that scripts rely on: fields may be added to these lines, never renamed.
    #[test]
    fn the_schema_is_pinned() {
        let mut out = Vec::new();
        for item in every_item() {
            write(&item, &mut out).unwrap();
        }
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
{"type":"listening","url":"http://127.0.0.1:8765","rounds":10,"seed":7,"any_access_token":true}
{"type":"open","attempt":1,"url":"wss://hackattic.com/_/ws/…","peer":"192.0.2.1:443","dns_ms":12.345,"tcp_ms":20.1,"tls_ms":44.0,"upgrade_ms":21.987}
{"type":"hello","at_ns":1200000,"text":"hello! start counting the time between the pings (start from the moment you opened this connection)"}
{"type":"beat","round":1,"at_ns":700123456,"elapsed_ms":700.434,"interval_ms":700,"window_ms":[1100,1750],"margin_ms":399.566,"lateness_ms":0.434,"answer_us":42.1}
{"type":"verdict","round":1,"verdict":"good"}
{"type":"note","at_ns":900000000,"kind":"text","text":"the weather is \u001b[31mfine\n","bytes":24}
{"type":"note","at_ns":900000001,"kind":"binary","bytes":3}
{"type":"beat","round":2,"at_ns":700123456,"elapsed_ms":1746.0,"interval_ms":1500,"window_ms":[1100,1750],"margin_ms":4.0,"lateness_ms":246.0,"answer_us":42.1}
{"type":"verdict","round":2,"verdict":"ouch"}
{"type":"secret","secret":"square limit withered water yellow sun"}
{"type":"submission","passed":true,"response":{"result":"passed"}}
{"type":"submission","passed":false,"response":{"rejected":"no"}}
{"type":"error","kind":"lost","message":"ouch! in round 2","attempt":1,"retry_in_ms":500.0}
{"type":"summary","outcome":"solved","rounds":20,"attempts":1,"secret":"square limit withered water yellow sun","worst_margin_ms":4.0,"mean_lateness_ms":0.21,"worst_lateness_ms":246.0}
{"type":"beat","recording":"run.jsonl","recorded_interval_ms":2000,"round":1,"at_ns":700123456,"elapsed_ms":1499.0,"interval_ms":1500,"window_ms":[1100,1750],"margin_ms":251.0,"lateness_ms":-1.0,"answer_us":null}
{"type":"verdict","recording":"run.jsonl","round":1,"verdict":"ouch"}
{"type":"summary","outcome":"ended","rounds":1,"attempts":0,"secret":null,"worst_margin_ms":251.0,"mean_lateness_ms":null,"worst_lateness_ms":null,"recordings":1,"differences":1}
{"type":"conversation","number":3,"peer":"127.0.0.1:4711","rounds":4,"result":"lost","cause":"no answer in time","worst_delay_ms":0.071}
"##);
    }
}
