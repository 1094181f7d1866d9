//! `wsbeat passwd`: what it makes of a file, and how it asks.

#![cfg(unix)]

mod support;

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use secrecy::SecretString;
use support::{Program, Ran, assert_says};
use tempfile::TempDir;
use wsbeat::server::{Users, Verdict};

/// A folder with a file of users to be.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    (folder, file)
}

/// Runs the command, with what it is to read.
fn passwd(file: &Path, args: &[&str], input: &str) -> Ran {
    let program = Program::new("passwd").args([file]).args(args);
    program.input(input).run()
}

/// Runs it, and asserts that this line is all that it says.
#[track_caller]
fn done(file: &Path, args: &[&str], input: &str, line: &str) {
    let ran = passwd(file, args, input);
    ran.succeeded();
    assert_eq!((&*ran.stdout, &*ran.stderr), (line, ""));
}

#[track_caller]
fn verify(file: &Path, user: &str, password: &str) -> Verdict {
    let users = Users::read(file).unwrap();
    users.verify(user, &SecretString::from(password)).unwrap()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o7777
}

/// How many files there are beside one, and that one.
fn files(file: &Path) -> usize {
    fs::read_dir(file.parent().unwrap()).unwrap().count()
}

#[test]
fn a_user_is_added_changed_and_removed() {
    let (_folder, file) = folder();
    done(&file, &["alice"], "sesame\n", "added alice\n");
    done(&file, &["böb b"], "hunter2\r\nand more\n", "added böb b\n");
    assert_eq!(verify(&file, "alice", "sesame"), Verdict::Right);
    assert_eq!(verify(&file, "böb b", "hunter2"), Verdict::Right);
    // Without an end of the line, and with what looks like one and is not.
    done(&file, &["alice"], " open\tup\r ", "changed alice\n");
    assert_eq!(verify(&file, "alice", "sesame"), Verdict::Wrong);
    assert_eq!(verify(&file, "alice", " open\tup\r "), Verdict::Right);
    done(&file, &["alice", "--delete"], "", "removed alice\n");
    assert_eq!(verify(&file, "alice", " open\tup\r "), Verdict::Wrong);
    assert_eq!(verify(&file, "böb b", "hunter2"), Verdict::Right);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("böb b:$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(files(&file), 1);
}

#[test]
fn two_users_with_one_password_have_different_hashes() {
    let (_folder, file) = folder();
    done(&file, &["alice"], "sesame", "added alice\n");
    done(&file, &["bob"], "sesame", "added bob\n");
    let text = fs::read_to_string(&file).unwrap();
    let hashes: Vec<_> = text
        .lines()
        .map(|line| line.split_once(':').unwrap().1)
        .collect();
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn what_is_for_people_stays_as_it_is() {
    let (_folder, file) = folder();
    fs::write(&file, "# the staff\n\n").unwrap();
    done(&file, &["alice"], "sesame", "added alice\n");
    done(&file, &["alice", "--delete"], "", "removed alice\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "# the staff\n\n");
}

#[test]
fn the_file_is_never_more_open_than_before_and_not_open_to_others_at_all() {
    for (before, after) in [
        (None, 0o600),
        (Some(0o644), 0o640),
        (Some(0o640), 0o640),
        (Some(0o660), 0o640),
        (Some(0o600), 0o600),
        (Some(0o400), 0o400),
    ] {
        let (_folder, file) = folder();
        if let Some(before) = before {
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, Permissions::from_mode(before)).unwrap();
        }
        done(&file, &["alice"], "sesame", "added alice\n");
        assert_eq!(mode(&file), after, "{before:?}");
    }
}

/// A group that files of ours can be left to, besides the one that they have anyway. Root has all of
/// them.
fn another_group() -> Option<u32> {
    use rustix::process::{getegid, geteuid, getgroups};
    let own = getegid();
    if geteuid().is_root() {
        return Some(own.as_raw() + 1);
    }
    let groups = getgroups().unwrap();
    let other = groups.into_iter().find(|group| *group != own)?;
    Some(other.as_raw())
}

#[test]
fn a_server_that_reads_the_file_by_its_group_still_can() {
    // Whoever is in one group only cannot have such a file.
    let Some(group) = another_group() else { return };
    let (_folder, file) = folder();
    fs::write(&file, "").unwrap();
    std::os::unix::fs::chown(&file, None, Some(group)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    done(&file, &["alice"], "sesame", "added alice\n");
    assert_eq!(fs::metadata(&file).unwrap().gid(), group);
    assert_eq!(mode(&file), 0o640);
}

#[test]
#[cfg(target_os = "linux")]
fn users_that_are_added_at_once_are_all_there() {
    let (folder, file) = folder();
    let link = folder.path().join("link");
    symlink("users", &link).unwrap();
    // Without a file, and then with one, also by way of a link.
    for round in ["a", "b"] {
        let users: Vec<_> = (0..8).map(|number| format!("{round}{number}")).collect();
        thread::scope(|scope| {
            for (number, user) in users.iter().enumerate() {
                let file = match round == "b" && number % 2 == 0 {
                    true => &link,
                    false => &file,
                };
                scope.spawn(move || done(file, &[user], "sesame", &format!("added {user}\n")));
            }
        });
        for user in &users {
            assert_eq!(verify(&file, user, "sesame"), Verdict::Right, "{user}");
        }
    }
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 16, "{text}");
    assert_eq!(files(&file), 2);
}

#[test]
fn the_file_is_replaced_as_a_whole() {
    let (folder, file) = folder();
    done(&file, &["alice"], "sesame", "added alice\n");
    let before = fs::read_to_string(&file).unwrap();
    let mut opened = fs::File::open(&file).unwrap();
    let link = folder.path().join("link");
    symlink("users", &link).unwrap();

    done(&link, &["bob"], "hunter2", "added bob\n");
    // Who has the old file has all of it, and the link still leads to the new one.
    let mut old = String::new();
    opened.read_to_string(&mut old).unwrap();
    assert_eq!(old, before);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(verify(&file, "bob", "hunter2"), Verdict::Right);
    assert_eq!(files(&file), 2);
}

#[test]
fn whoever_reads_while_others_write_finds_a_whole_file() {
    let (_folder, file) = folder();
    done(&file, &["alice"], "sesame", "added alice\n");
    let alone = Users::read(&file).unwrap();
    // Long enough to be written in several pieces.
    let text = fs::read_to_string(&file).unwrap();
    let hash = text.trim_end().split_once(':').unwrap().1;
    let crowd: String = (0..2000)
        .map(|number| format!("{number}:{hash}\n"))
        .collect();
    let crowded = file.with_extension("crowded");
    fs::write(&crowded, text.clone() + &crowd).unwrap();
    let crowded = Users::read(&crowded).unwrap();
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for _ in 0..10 {
                crowded.write(&file).unwrap();
                alone.write(&file).unwrap();
            }
        });
        while !writing.is_finished() {
            let found = fs::read_to_string(&file).unwrap();
            let lines = found.lines().count();
            assert!(
                found.starts_with(&text) && [1, 2001].contains(&lines),
                "{lines}"
            );
        }
    });
}

/// Runs the command, and asserts that it fails for this reason and changes nothing.
#[track_caller]
fn refused(file: &Path, args: &[&str], input: &str, reason: &[&str]) {
    let content = || fs::read_to_string(file).ok();
    let (before, files_before) = (content(), files(file));
    let ran = passwd(file, args, input);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert_says(&ran.stderr, reason);
    assert_eq!((content(), files(file)), (before, files_before));
}

#[test]
fn a_password_that_is_none_changes_nothing() {
    let (_folder, file) = folder();
    for known in [false, true] {
        if known {
            done(&file, &["alice"], "sesame", "added alice\n");
        }
        for empty in ["", "\n", "\r\n", "\nsesame\n"] {
            refused(&file, &["alice"], empty, &["error: ", "password is empty"]);
        }
        for end in ["", "\n", "\r\n"] {
            let long = "é".repeat(512) + "x" + end;
            refused(&file, &["alice"], &long, &["over 1024 bytes"]);
        }
        let longer = "é".repeat(100_000);
        refused(&file, &["alice"], &longer, &["over 1024 bytes"]);
    }
    let longest = "é".repeat(512) + "\r\n";
    done(&file, &["alice"], &longest, "changed alice\n");
    let ran = Program::new("passwd").args([&file]).args(["alice"]);
    let ran = ran.input(b"s\xe9same\n").run();
    assert_eq!(ran.code, Some(2));
    assert_says(&ran.stderr, &["not UTF-8"]);
}

#[test]
fn a_name_that_is_none_changes_nothing() {
    let (_folder, file) = folder();
    let long = "é".repeat(33);
    for (name, reason) in [
        ("", "empty"),
        (&*long, "33 characters, and 32 are allowed"),
        (" alice", "white space"),
        ("a\u{1b}[2J", "U+001B"),
        ("a:b", ":"),
        ("#alice", "#"),
    ] {
        refused(&file, &["--", name], "sesame", &["error: ", reason]);
    }
    let longest = "é".repeat(32);
    done(&file, &[&longest], "sesame", &format!("added {longest}\n"));
}

#[test]
fn a_file_that_makes_no_sense_is_left_alone_and_the_line_is_named() {
    let (_folder, file) = folder();
    for (content, reason) in [
        (
            "# staff\nalice\n",
            &["line 2 of the users in", "NAME:HASH"][..],
        ),
        ("alice:sesame\n", &["line 1 of the users in", "no hash"]),
        (
            ":x\n",
            &["line 1 of the users in", "user's name: it is empty"],
        ),
        (
            "alice:$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ\n",
            &["line 1", "argon2i"],
        ),
    ] {
        fs::write(&file, content).unwrap();
        let named = file.display().to_string();
        let reason = [reason, &[&named]].concat();
        refused(&file, &["bob"], "sesame", &reason);
        refused(&file, &["bob", "--delete"], "", &reason);
    }
}

#[test]
fn what_is_not_there_cannot_be_removed_and_what_cannot_be_written_is_named() {
    let (folder, file) = folder();
    refused(
        &file,
        &["alice", "--delete"],
        "",
        &["users", "No such file"],
    );
    done(&file, &["bob"], "sesame", "added bob\n");
    refused(
        &file,
        &["alice", "--delete"],
        "",
        &["there is no alice in", "users"],
    );
    let nowhere = folder.path().join("none").join("users");
    let ran = passwd(&nowhere, &["alice"], "sesame");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_says(
        &ran.stderr,
        &["writing the users to", "none/users", "No such file"],
    );
    let ran = passwd(folder.path(), &["alice"], "sesame");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_says(&ran.stderr, &["reading the users in", "directory"]);
}

#[cfg(target_os = "linux")]
mod terminal {
    use rustix::process::Signal;
    use support::{Left, Tty};

    use super::*;

    const FIRST: &str = "New password for alice: ";
    const SECOND: &str = "The same again: ";

    fn run(file: &Path) -> Tty {
        Tty::run(&["passwd", file.to_str().unwrap(), "alice"], &[])
    }

    /// Types a password at a prompt, which the terminal must not echo.
    fn answer(tty: &mut Tty, prompt: &str, keys: &[u8]) {
        tty.wait_for(prompt.trim_end());
        assert!(!tty.is_as_before(), "there is an echo");
        tty.press(keys);
    }

    #[track_caller]
    fn assert_left(left: &Left, code: i32, last: &str) {
        let screen = left.screen();
        assert_eq!(left.status.code(), Some(code), "{screen}");
        assert!(screen.lines().last().unwrap().starts_with(last), "{screen}");
    }

    #[test]
    fn a_password_is_asked_for_twice_and_not_shown() {
        let (_folder, file) = folder();
        let mut tty = run(&file);
        // Typed with a mistake that is corrected.
        answer(&mut tty, FIRST, "sesqm\u{7f}\u{7f}amé\r".as_bytes());
        answer(&mut tty, SECOND, "sesamé\r".as_bytes());
        let left = tty.end();
        assert_left(&left, 0, "added alice");
        assert_eq!(left.screen().lines().count(), 3, "{}", left.screen());
        assert!(!left.text().contains("ses"), "{:?}", left.text());
        assert_eq!(verify(&file, "alice", "sesamé"), Verdict::Right);
    }

    #[test]
    fn two_passwords_that_differ_change_nothing() {
        let (_folder, file) = folder();
        let mut tty = run(&file);
        answer(&mut tty, FIRST, b"sesame\r");
        answer(&mut tty, SECOND, b"sesane\r");
        assert_left(&tty.end(), 2, "error: the two passwords differ");
        assert!(!file.exists());

        let mut tty = run(&file);
        answer(&mut tty, FIRST, b"\r");
        assert_left(&tty.end(), 2, "error: the password is empty");
        assert!(!file.exists());
    }

    #[test]
    fn any_way_out_of_a_prompt_leaves_the_terminal_as_it_was() {
        type WayOut = fn(&mut Tty);
        let ways: [(i32, &str, WayOut); 4] = [
            (130, "error: interrupted", |tty| tty.press(b"\x03")),
            (130, "error: interrupted", |tty| tty.signal(Signal::INT)),
            (130, "error: interrupted", |tty| tty.signal(Signal::TERM)),
            (2, "error: no password was typed", |tty| tty.press(b"\x04")),
        ];
        for (code, last, leave) in ways {
            for at_second in [false, true] {
                let (_folder, file) = folder();
                let mut tty = run(&file);
                if at_second {
                    answer(&mut tty, FIRST, b"sesame\r");
                    tty.wait_for(SECOND.trim_end());
                } else {
                    tty.wait_for(FIRST.trim_end());
                }
                leave(&mut tty);
                // This asserts that the modes are those of before.
                assert_left(&tty.end(), code, last);
                assert!(!file.exists());
            }
        }
    }

    #[test]
    fn ctrl_c_in_the_middle_of_a_password_shows_nothing_of_it() {
        let (_folder, file) = folder();
        let mut tty = run(&file);
        answer(&mut tty, FIRST, b"sesa\x03me\r");
        let left = tty.end();
        assert_left(&left, 130, "error: interrupted");
        assert!(!left.text().contains("ses"), "{:?}", left.text());
    }

    #[test]
    fn what_is_wrong_is_said_before_a_password_is_typed() {
        let (_folder, file) = folder();
        fs::write(&file, "alice\n").unwrap();
        let left = run(&file).end();
        assert_eq!(left.status.code(), Some(2));
        assert!(!left.text().contains(FIRST), "{}", left.screen());
    }
}
