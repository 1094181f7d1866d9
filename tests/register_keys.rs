//! The key files of `wsbeat register`.

#![cfg(unix)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Ran, Registrar, Script, Server, assert_says, register};
use tempfile::TempDir;

/// A key as `openssl genpkey -algorithm ed25519` writes it: the first of RFC 8032 section 7.1.
const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

/// The public key to it.
const ITS_PUBLIC_KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// One that is for something else, which was made to be shown here.
const ELLIPTIC: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg46L1j6LHmvX6co90
6I5R8zi85H/2kjf7PruDqklUjIahRANCAAS7aesQUZcgfdSCCSVAZW+kpflc5Ypr
hHmT3rk0gvTipOt9HBIdxOI4EidbWetjuMveza2nkzo8kE+Y4vU1wYW7
-----END PRIVATE KEY-----
";

/// A registrar that takes anybody, any number of times.
fn welcoming() -> Server {
    Script::new()
        .talk(|_, socket| {
            let mut registrar = Registrar::new(socket);
            registrar.welcome();
            registrar.socket.part();
        })
        .start()
}

/// Registers the key in a file of this folder, and leaves.
fn register_key(server: &Server, path: &Path) -> Ran {
    let program = register(&server.register_url()).args(["--key".as_ref(), path.as_os_str()]);
    program.input("").run()
}

/// A folder with a key file in it that has this content and this mode.
fn folder_with(content: &str, mode: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The names of what is in a folder.
fn names_in(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    entries.map(|entry| name(entry.unwrap())).collect()
}

#[test]
fn a_new_key_is_kept_for_its_owner_alone_and_used_again() {
    let server = welcoming();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let first = register_key(&server, &path);
    first.succeeded();
    assert_eq!(first.the("key")["is_new"], true);
    assert_eq!(first.the("key")["file"], path.to_str().unwrap());
    assert_eq!(mode_of(&path), 0o600);
    assert_eq!(names_in(&folder), ["key.pem"]);
    let kept = fs::read_to_string(&path).unwrap();
    // As long as what OpenSSL writes: there is nothing else in it.
    assert_eq!(kept.len(), OPENSSL.len());
    assert_says(
        &kept,
        &["-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"],
    );
    // None of it is seen.
    let secret = kept.lines().nth(1).unwrap();
    assert!(!first.stdout.contains(secret) && !first.stderr.contains(secret));

    let second = register_key(&server, &path);
    second.succeeded();
    assert_eq!(second.the("key")["is_new"], false);
    assert_eq!(
        second.the("key")["public_key"],
        first.the("key")["public_key"]
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);
}

#[test]
fn keys_without_a_file_are_new_ones() {
    let server = welcoming();
    let key = || {
        let ran = register(&server.register_url()).input("").run();
        ran.succeeded().summary()["public_key"].clone()
    };
    assert_ne!(key(), key());
}

#[test]
fn a_key_of_openssl_is_taken() {
    let server = welcoming();
    for mode in [0o600, 0o400] {
        let (_folder, path) = folder_with(OPENSSL, mode);
        let ran = register_key(&server, &path);
        ran.succeeded();
        assert_eq!(ran.the("registered")["public_key"], ITS_PUBLIC_KEY);
        assert_eq!(
            (mode_of(&path), &*fs::read_to_string(&path).unwrap()),
            (mode, OPENSSL)
        );
    }
}

#[test]
fn a_key_that_others_can_get_at_is_refused() {
    let server = welcoming();
    for mode in [0o640, 0o604, 0o644, 0o620, 0o777] {
        let (_folder, path) = folder_with(OPENSSL, mode);
        let cause = register_key(&server, &path).failed(2, "usage");
        let (path, mode) = (path.to_str().unwrap(), format!("{mode:04o}"));
        assert_says(&cause, &[path, &mode, &format!("chmod 600 {path}")]);
    }
    assert!(server.upgrades().is_empty());
}

#[test]
fn what_is_no_key_file_says_why() {
    let server = welcoming();
    let label = |label: &str| OPENSSL.replace("PRIVATE KEY", label);
    let padded_to = |size: usize| format!("{OPENSSL}{}", "\n".repeat(size - OPENSSL.len()));
    let damaged = OPENSSL.replace("MC4C", "MC4D");
    for (content, words) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("hello", "-----BEGIN PRIVATE KEY-----"),
        ("\0\u{1}", "-----BEGIN PRIVATE KEY-----"),
        (&*label("ENCRYPTED PRIVATE KEY"), "openssl pkey -in"),
        (&*label("RSA PRIVATE KEY"), "RSA PRIVATE KEY"),
        (&*label("PUBLIC KEY"), "PUBLIC KEY"),
        (ELLIPTIC, "no Ed25519 key"),
        (&*damaged, "no sense"),
        (&OPENSSL[..60], "no sense"),
        // The largest that is looked at as a whole, and one that would have to be cut.
        (&*padded_to(16 * 1024), "no sense"),
        (&*padded_to(16 * 1024 + 1), "larger than 16384 bytes"),
    ] {
        let (_folder, path) = folder_with(content, 0o600);
        let cause = register_key(&server, &path).failed(2, "usage");
        assert_says(&cause, &["the key file ", path.to_str().unwrap(), words]);
        // What was there still is.
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        // And none of it is told.
        assert!(!cause.contains("BCIEI"), "{cause}");
    }
    let (_folder, path) = folder_with("", 0o600);
    fs::write(&path, b"\xff\xfe").unwrap();
    let cause = register_key(&server, &path).failed(2, "usage");
    assert_says(&cause, &["no text"]);
}

#[test]
fn a_key_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else can give a file away.
        return;
    }
    let server = welcoming();
    let (_folder, path) = folder_with(OPENSSL, 0o600);
    chown(&path, Some(12_345), None).unwrap();
    let cause = register_key(&server, &path).failed(2, "usage");
    assert_says(&cause, &[path.to_str().unwrap(), "another user", "12345"]);
    assert!(server.upgrades().is_empty());
}

/// Registers with a key and a recording in this folder.
fn register_and_record(server: &Server, folder: &TempDir, key: &str, record: &str) -> Ran {
    let there = |name: &str| folder.path().join(name).into_os_string();
    let program = register(&server.register_url()).args([
        "--key".into(),
        there(key),
        "--record".into(),
        there(record),
    ]);
    program.input("").run()
}

#[test]
fn a_recording_never_takes_the_place_of_the_key() {
    let server = welcoming();
    let (folder, path) = folder_with(OPENSSL, 0o600);
    let there = |name: &str| folder.path().join(name);
    fs::hard_link(&path, there("hard.pem")).unwrap();
    symlink("key.pem", there("soft.pem")).unwrap();
    for record in ["key.pem", "hard.pem", "soft.pem"] {
        let cause = register_and_record(&server, &folder, "key.pem", record).failed(2, "usage");
        assert_says(&cause, &["--record would overwrite", "key.pem"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), OPENSSL, "{record}");
    }

    // A link to where the key is going to be.
    symlink("new.pem", there("link")).unwrap();
    let cause = register_and_record(&server, &folder, "new.pem", "link").failed(2, "usage");
    assert_says(&cause, &["--record would overwrite", "new.pem"]);
    assert!(!there("new.pem").exists());
    assert!(there("link").is_symlink());
    assert!(server.upgrades().is_empty());

    // Beside it, there is room for both.
    symlink("talk.jsonl", there("other")).unwrap();
    register_and_record(&server, &folder, "new.pem", "other").succeeded();
    assert_says(
        &fs::read_to_string(there("talk.jsonl")).unwrap(),
        &[r#""conversation":"registration""#],
    );
    register_key(&server, &there("new.pem")).succeeded();
}

#[test]
fn a_recording_that_cannot_be_written_leaves_no_new_key_behind() {
    let server = welcoming();
    let folder = tempfile::tempdir().unwrap();
    for record in ["missing/talk.jsonl", "."] {
        let ran = register_and_record(&server, &folder, "key.pem", record);
        let cause = ran.failed(2, "recording");
        assert_says(&cause, &["the recording", record, "cannot be written"]);
        assert!(names_in(&folder).is_empty());
    }
    assert!(server.upgrades().is_empty());
}

#[test]
fn what_is_no_file_says_so() {
    let server = welcoming();
    let (folder, file) = folder_with(OPENSSL, 0o600);
    let there = |name: &str| folder.path().join(name);
    symlink(&file, there("link")).unwrap();
    symlink(there("nowhere"), there("dangling")).unwrap();
    for (path, words) in [
        (folder.path().to_owned(), "is a folder"),
        (there("link"), "symbolic link"),
        (there("dangling"), "symbolic link"),
        (PathBuf::from("/dev/null"), "no regular file"),
        (there("missing/key.pem"), "there is no folder"),
        (there("key.pem/key.pem"), "Not a directory"),
    ] {
        let cause = register_key(&server, &path).failed(2, "usage");
        assert_says(&cause, &["key file", path.to_str().unwrap(), words]);
    }
    assert!(!there("nowhere").exists());
    assert!(server.upgrades().is_empty());
}

#[test]
fn runs_that_begin_at_once_have_the_key_of_one_of_them() {
    let server = welcoming();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let begin = || {
        let program = register(&server.register_url()).args(["--key".as_ref(), path.as_os_str()]);
        program.input("").start()
    };
    let running: Vec<_> = (0..8).map(|_| begin()).collect();
    let ran: Vec<_> = running.into_iter().map(|it| it.end()).collect();
    let of_all = |field: &str| -> Vec<Value> {
        let key = |ran: &Ran| ran.succeeded().the("key")[field].clone();
        ran.iter().map(key).collect()
    };
    let keys = of_all("public_key");
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(of_all("is_new").iter().filter(|it| **it == true).count(), 1);
    assert_eq!(names_in(&folder), ["key.pem"]);
    assert_eq!(
        register_key(&server, &path).the("key")["public_key"],
        keys[0]
    );
}
