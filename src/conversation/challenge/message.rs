/// What the server says in the challenge, read once.
///
/// The first word decides, in any case and with any white space around the message: some servers
/// end theirs with a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// `hello! …`, the greeting.
    Hello,
    /// `ping!`, a beat.
    Ping,
    /// `good!`, the verdict on a right answer.
    Good,
    /// `ouch! …`, the verdict on a wrong or a missing answer.
    Ouch,
    /// The end of a conversation that was won: `congratulations! the solution … is "secret"`, or
    /// `secret: secret` as one write-up has it.
    Secret(&'a str),
    /// `expired challenge token`: the token is too old, or another connection has used it.
    Expired,
    /// Anything else. It does not disturb the rounds.
    Other,
}

impl<'a> ServerMessage<'a> {
    /// Reads a text message.
    ///
    /// ```
    /// use wsbeat::conversation::challenge::ServerMessage;
    ///
    /// assert_eq!(ServerMessage::parse("PING!\n"), ServerMessage::Ping);
    /// assert_eq!(ServerMessage::parse("secret: open sesame"), ServerMessage::Secret("open sesame"));
    /// ```
    pub fn parse(text: &'a str) -> ServerMessage<'a> {
        let text = text.trim();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim_start();
        match first.to_ascii_lowercase().as_str() {
            "hello!" => ServerMessage::Hello,
            "ping!" => ServerMessage::Ping,
            "good!" => ServerMessage::Good,
            "ouch!" => ServerMessage::Ouch,
            "congratulations!" => quoted(rest).map_or(ServerMessage::Other, ServerMessage::Secret),
            "secret:" if !rest.is_empty() => ServerMessage::Secret(rest),
            // Other sentences may begin with this word; this one is exact.
            "expired" if rest.starts_with("challenge token") => ServerMessage::Expired,
            _ => ServerMessage::Other,
        }
    }
}

/// The phrase between the first and the last double quote, if there is one.
fn quoted(text: &str) -> Option<&str> {
    let (_, after) = text.split_once('"')?;
    let (phrase, _) = after.rsplit_once('"')?;
    (!phrase.is_empty()).then_some(phrase)
}

#[cfg(test)]
mod tests {
    use super::ServerMessage::{self, *};
    use proptest::prelude::*;

    #[test]
    fn the_server_is_understood() {
        let cases = [
            ("hello! start counting the time between the pings", Hello),
            ("Hello!", Hello),
            ("ping!", Ping),
            ("ping!\n", Ping),
            ("PING! \r\n", Ping),
            ("good!", Good),
            ("ouch! seems like you missed a beat... sorry", Ouch),
            (
                "congratulations! the solution to this challenge is \"square limit withered\"",
                Secret("square limit withered"),
            ),
            ("Congratulations! it is \"a \"b\" c\".", Secret("a \"b\" c")),
            ("secret: square limit\n", Secret("square limit")),
            ("SECRET: x", Secret("x")),
            ("expired challenge token", Expired),
            ("Expired challenge token.\n", Expired),
        ];
        for (text, expected) in cases {
            assert_eq!(ServerMessage::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_left_alone() {
        for text in [
            "",
            " \n",
            "ping",
            "pinging!",
            "ping pong",
            "a ping!",
            "hello",
            "secret:",
            "secret: \n",
            "expired cookies",
            "congratulations!",
            "congratulations! it is \"\"",
            "congratulations! it is \"half a quote",
        ] {
            assert_eq!(ServerMessage::parse(text), Other, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".*") {
            ServerMessage::parse(&text);
        }
    }
}
