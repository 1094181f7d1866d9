use proptest::prelude::*;

use super::*;

#[test]
fn the_messages_are_written_to_the_letter() {
    let key = pair(1).public_key();
    let (public_key, response) = ("k".to_owned(), "s".to_owned());
    for (message, expected) in [
        (
            RegistrantMessage::Answer {
                public_key: public_key.clone(),
                response: response.clone(),
            },
            r#"{"publicKey":"k","response":"s"}"#.to_owned(),
        ),
        (text("hi"), r#"{"text":"hi"}"#.to_owned()),
        (
            RegistrantMessage::Text {
                text: "hi".to_owned(),
                to: Some(key),
            },
            format!(r#"{{"text":"hi","to":"{key}"}}"#),
        ),
    ] {
        assert_eq!(message.to_string(), expected);
        assert_eq!(RegistrantMessage::parse(&expected), Ok(message));
    }
    for (message, expected) in [
        (
            RegistrarMessage::Challenge {
                challenge: "c".to_owned(),
            },
            r#"{"challenge":"c"}"#.to_owned(),
        ),
        (
            RegistrarMessage::Accepted {
                public_key: public_key.clone(),
                response: response.clone(),
            },
            r#"{"publicKey":"k","response":"s","accepted":true}"#.to_owned(),
        ),
        (
            RegistrarMessage::Rejected {
                public_key,
                response,
                retries: 3,
                challenge: "c".to_owned(),
            },
            r#"{"publicKey":"k","response":"s","accepted":false,"retries":3,"challenge":"c"}"#
                .to_owned(),
        ),
        (
            heard(&pair(1), "hi"),
            format!(r#"{{"from":"{key}","text":"hi","timestamp":1652997756}}"#),
        ),
        (
            RegistrarMessage::Delivered { delivered: 2 },
            r#"{"delivered":2}"#.to_owned(),
        ),
        (
            error(ErrorCode::NotRegistered, None),
            r#"{"error":"not_registered","message":"no"}"#.to_owned(),
        ),
        (
            error(ErrorCode::TooFast, Some(Duration::from_millis(1500))),
            r#"{"error":"too_fast","message":"no","retryAfterMs":1500}"#.to_owned(),
        ),
    ] {
        assert_eq!(message.to_string(), expected);
        assert_eq!(RegistrarMessage::parse(&expected), Ok(message));
    }
}

#[test]
fn what_makes_no_sense_says_in_which_way() {
    for (text, code) in [
        ("", ErrorCode::NotJson),
        ("hello", ErrorCode::NotJson),
        (r#"{"text":"hi""#, ErrorCode::NotJson),
        ("1", ErrorCode::Malformed),
        ("[]", ErrorCode::Malformed),
        (r#"["text"]"#, ErrorCode::Malformed),
        ("{}", ErrorCode::Malformed),
        (r#"{"text":1}"#, ErrorCode::Malformed),
        (r#"{"text":"hi","to":"bob"}"#, ErrorCode::Malformed),
        (r#"{"text":"hi","to":""}"#, ErrorCode::Malformed),
        (r#"{"publicKey":"k"}"#, ErrorCode::Malformed),
        (r#"{"response":"s"}"#, ErrorCode::Malformed),
        (
            r#"{"publicKey":"k","response":["s"]}"#,
            ErrorCode::Malformed,
        ),
        (r#"{"challenge":"c"}"#, ErrorCode::Malformed),
    ] {
        let error = RegistrantMessage::parse(text).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
    }
    for text in [
        r#"{"publicKey":"k","response":"s"}"#,
        r#"{"publicKey":"k","response":"s","accepted":"true"}"#,
        r#"{"publicKey":"k","response":"s","accepted":false}"#,
        r#"{"publicKey":"k","response":"s","accepted":false,"retries":-1,"challenge":"c"}"#,
        r#"{"from":"bob","text":"hi","timestamp":1}"#,
        r#"{"text":"hi"}"#,
        r#"{"delivered":-1}"#,
        r#"{"error":1}"#,
        r#"{"challenge":null}"#,
    ] {
        let error = RegistrarMessage::parse(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Malformed, "{text}: {error}");
    }
    assert_eq!(
        RegistrantMessage::parse("{}").unwrap_err().to_string(),
        "the message is none that is known here: it is no object with \"publicKey\" and \
         \"response\", or with \"text\""
    );
}

#[test]
fn what_is_new_in_a_message_is_passed_over() {
    let said = r#"{"text":"hi","to":null,"colour":"red"}"#;
    assert_eq!(RegistrantMessage::parse(said), Ok(text("hi")));
    let raining = r#"{"error":"raining"}"#;
    let read = RegistrarMessage::parse(raining).unwrap();
    assert!(matches!(
        read,
        RegistrarMessage::Error {
            code: ErrorCode::Other,
            ..
        }
    ));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), field in "[a-zA-Z]{0,12}") {
        let _ = RegistrantMessage::parse(&text);
        let _ = RegistrarMessage::parse(&text);
        let object = serde_json::json!({ field: text, "text": text, "accepted": text });
        let _ = RegistrantMessage::parse(&object.to_string());
        let _ = RegistrarMessage::parse(&object.to_string());
    }

    #[test]
    fn any_text_gets_through(said in any::<String>(), challenge in any::<String>()) {
        let message = text(&said);
        prop_assert_eq!(RegistrantMessage::parse(&message.to_string()), Ok(message));
        let message = RegistrarMessage::Rejected {
            public_key: said.clone(),
            response: said,
            retries: u32::MAX,
            challenge,
        };
        prop_assert_eq!(RegistrarMessage::parse(&message.to_string()), Ok(message));
    }
}
