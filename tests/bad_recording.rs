//! Recordings that are cut, empty, of another version, or none at all.

#![cfg(unix)]

mod support;

use support::{Program, Ran, Script, assert_says};

const HEADER: &str = r#"{"type":"recording","version":1,"conversation":"challenge","url":"ws://h/_/ws/…","started_at":"2026-11-20T12:00:00Z"}"#;

/// A recording of three rounds, the second of which was answered wrong then.
fn good() -> String {
    [
        HEADER,
        r#"{"at_ns":0,"type":"open"}"#,
        r#"{"at_ns":700123456,"type":"received","kind":"text","text":"ping!"}"#,
        r#"{"at_ns":700210000,"type":"sent","kind":"text","text":"700"}"#,
        r#"{"at_ns":700900000,"type":"received","kind":"text","text":"good!"}"#,
        r#"{"at_ns":2200900000,"type":"received","kind":"text","text":"ping!"}"#,
        r#"{"at_ns":2200990000,"type":"sent","kind":"text","text":"2000"}"#,
        r#"{"at_ns":2201900000,"type":"received","kind":"text","text":"good!"}"#,
        r#"{"at_ns":4200900000,"type":"received","kind":"text","text":"ping!"}"#,
        r#"{"at_ns":4200990000,"type":"sent","kind":"text","text":"2000"}"#,
        r#"{"at_ns":9000000000,"type":"close","by":"peer","code":1000,"reason":""}"#,
        "",
    ]
    .join("\n")
}

/// `wsbeat replay` of a single file with this content.
#[track_caller]
fn replay(content: impl AsRef<[u8]>) -> Ran {
    let program = Program::new("replay").file("run.jsonl", content);
    program.args(["run.jsonl"]).json().run()
}

/// The first lines of the good recording.
fn lines(count: usize) -> String {
    let good = good();
    let lines: Vec<&str> = good.lines().take(count).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_good_recording_is_the_measure_of_the_others() {
    let ran = replay(good());
    ran.succeeded();
    let beats: Vec<_> = ran
        .all("beat")
        .iter()
        .map(|beat| {
            assert_eq!(beat["recording"], "run.jsonl");
            (
                beat["recorded_interval_ms"].clone(),
                beat["interval_ms"].clone(),
            )
        })
        .collect();
    let expected = [(700, 700), (2000, 1500), (2000, 2000)];
    assert_eq!(beats, expected.map(|(then, now)| (then.into(), now.into())));
    let summary = ran.summary();
    assert_eq!(summary["outcome"], "ended");
    assert_eq!(summary["differences"], 1);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_cut_recording_is_reported_and_the_rest_is_replayed() {
    // Wherever the last line is cut: within it, within a character, or before its line feed.
    let good = good();
    let last_ping = good.rfind("ping!").unwrap();
    for length in [last_ping + 2, last_ping - 40] {
        let ran = replay(&good[..length]);
        ran.succeeded();
        assert_eq!(ran.all("beat").len(), 2);
        assert_eq!(ran.summary()["outcome"], "ended");
        let error = ran.the("error");
        assert_eq!(error["kind"], "recording");
        assert_eq!(error["recording"], "run.jsonl");
        let message = error["message"].as_str().unwrap();
        assert_says(message, &["run.jsonl", "line 9", "cut", "replayed"]);
        assert_eq!(ran.stderr, format!("wsbeat: {message}\n"));
    }
    let text = lines(5) + r#"{"at_ns":800000000,"type":"received","kind":"text","text":""#;
    let ran = replay([text.as_bytes(), &"…".as_bytes()[..2]].concat());
    ran.succeeded();
    assert_says(&ran.stderr, &["line 6", "cut"]);
}

#[test]
fn a_recording_without_its_last_line_feed_is_whole() {
    let ran = replay(good().trim_end());
    ran.succeeded();
    assert_eq!(ran.all("beat").len(), 3);
    assert_eq!(ran.stderr, "");
}

#[test]
fn people_are_told_of_a_cut_recording_beside_its_rounds() {
    let ran = Program::new("replay")
        .file("run.jsonl", &good()[..good().len() - 30])
        .args(["run.jsonl"])
        .run();
    ran.succeeded();
    assert_says(&ran.stderr, &["wsbeat: run.jsonl: line 11 is cut off"]);
    assert_says(&ran.stdout, &["run.jsonl", "3 rounds in 1 recording"]);
    assert!(!ran.stdout.contains("cut"));
}

#[test]
fn what_is_no_recording_is_refused_for_its_own_reason() {
    let header_of_version_2 = HEADER.replace("\"version\":1", "\"version\":2") + "\n";
    let without_version = HEADER.replace("\"version\":1,", "") + "\n";
    let backwards = lines(3) + r#"{"at_ns":1,"type":"sent","kind":"text","text":"700"}"# + "\n";
    let cut_in_the_middle = lines(3) + "{\"at_ns\":7002\n" + &lines(1);
    let image = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".to_vec();
    let endless = vec![b'x'; 3 * 1024 * 1024];
    let cases: [(Vec<u8>, &[&str]); 11] = [
        (Vec::new(), &["the file is empty"]),
        (b"\n".to_vec(), &["not a recording"]),
        (
            header_of_version_2.into(),
            &["version 2", "reads version 1"],
        ),
        (without_version.into(), &["not a recording", "no version"]),
        (HEADER.as_bytes()[..40].to_vec(), &["not a recording"]),
        (b"ping!\n700\n".to_vec(), &["not a recording", "not JSON"]),
        (
            b"{\"type\":\"open\"}\n".to_vec(),
            &["not a recording", "type"],
        ),
        (image, &["not a recording"]),
        (endless, &["not a recording", "longer than any line"]),
        (
            backwards.into(),
            &["line 4", "before that of the line above"],
        ),
        (cut_in_the_middle.into(), &["line 4"]),
    ];
    for (content, words) in cases {
        let ran = replay(content);
        let cause = ran.failed(2, "recording");
        assert_says(&cause, &["run.jsonl: "]);
        assert_says(&cause, words);
        assert!(ran.all("beat").is_empty());
    }
}

#[test]
fn a_recording_of_another_conversation_is_refused() {
    let ran = replay(HEADER.replace("\"challenge\"", "\"latency\"") + "\n");
    assert_says(
        &ran.failed(2, "recording"),
        &["not a recording", "none of \"challenge\""],
    );
}

#[test]
fn a_missing_file_and_a_directory_are_named() {
    for (name, reason) in [("nowhere.jsonl", "No such file"), (".", "directory")] {
        let ran = Program::new("replay").args([name]).json().run();
        let words = [&format!("{name}: "), reason];
        assert_says(&ran.failed(2, "recording"), &words);
    }
}

#[test]
fn one_bad_recording_among_several_does_not_keep_the_others_from_being_replayed() {
    let ran = Program::new("replay")
        .file("a.jsonl", good())
        .file("b.jsonl", "not one\n")
        .file("c.jsonl", good())
        .args(["a.jsonl", "b.jsonl", "missing.jsonl", "c.jsonl"])
        .json()
        .run();
    let cause = ran.failed(2, "recording");
    assert_eq!(cause, "2 of 4 recordings could not be read");
    let of = |name: &str| {
        let beats = ran.all("beat");
        let beats = beats.iter().filter(|beat| beat["recording"] == name);
        beats.count()
    };
    assert_eq!((of("a.jsonl"), of("b.jsonl"), of("c.jsonl")), (3, 0, 3));
    assert_says(
        &ran.stderr,
        &["b.jsonl: not a recording", "missing.jsonl: "],
    );
    let errors = ran.all("error");
    assert_eq!(errors.len(), 3);
    assert_eq!(errors[0]["recording"], "b.jsonl");
    assert_eq!(errors[1]["recording"], "missing.jsonl");
    assert_eq!(ran.summary()["recordings"], 2);
}

#[test]
fn what_was_recorded_of_a_bad_end_is_replayed_to_the_same_answers() {
    let server = Script::new()
        .talk(|_, socket| {
            socket.round();
            socket.binary(b"noise");
            socket.text("ping!");
            socket.answer();
            socket.text("ouch! seems like you missed a beat...");
            socket.part();
        })
        .start();
    let recorded = Program::solve(&server)
        .args(["--record", "run.jsonl"])
        .json()
        .run();
    recorded.failed(1, "lost");
    let recording = recorded.path("run.jsonl");
    let ran = Program::new("replay").args([&recording]).json().run();
    ran.succeeded();
    let of = |ran: &Ran, field: &str| -> Vec<_> {
        let beats = ran.all("beat");
        beats.iter().map(|beat| beat[field].clone()).collect()
    };
    assert_eq!(of(&ran, "at_ns").len(), 2);
    assert_eq!(of(&ran, "at_ns"), of(&recorded, "at_ns"));
    assert_eq!(
        of(&ran, "recorded_interval_ms"),
        of(&recorded, "interval_ms")
    );
    assert_eq!(of(&ran, "margin_ms"), of(&recorded, "margin_ms"));
    assert_eq!(ran.summary()["differences"], 0);
}
