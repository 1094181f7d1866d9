//! What somebody can try who has no key, another's answers, or too many of its own: how each attempt
//! ends. The attacker sees every word of every connection but its own key is all it can sign with.

use super::forgery::*;
use super::*;

/// Where an attack begins, and what the attacker can make use of.
struct Scene {
    /// The attacker's connection.
    counter: Counter,
    /// What another connection was asked, whose answer was right.
    seen_challenge: String,
    /// Whose answer that was.
    victim: KeyPair,
    attacker: KeyPair,
}

/// Who is registered on the attacker's connection after an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody.
    Nobody,
    /// The attacker, with its own key, as it was before.
    Attacker,
}
use Standing::{Attacker, Nobody};

struct Attack {
    name: &'static str,
    /// Brings it to where it begins, and gives the answer that is to be rejected.
    answer: fn(&mut Scene) -> Answer,
    why: Rejection,
    retries: u32,
    standing: Standing,
}

const WRONG: Rejection = Rejection::Response(VerifyError::Signature);
const WEAK: Rejection = Rejection::Response(VerifyError::WeakKey);
const NO_KEY: Rejection = Rejection::Response(VerifyError::NoKey);
const KEY_FORM: Rejection = Rejection::KeyText(EncodingError::NotCanonical);
const RESPONSE_FORM: Rejection = Rejection::ResponseText(EncodingError::NotCanonical);

const fn key_length(characters: usize) -> Rejection {
    let wanted = 43;
    Rejection::KeyText(EncodingError::Length { characters, wanted })
}

const fn response_length(characters: usize) -> Rejection {
    let wanted = 86;
    Rejection::ResponseText(EncodingError::Length { characters, wanted })
}

#[rustfmt::skip]
const ATTACKS: &[Attack] = &[
    // Another's answers.
    Attack { name: "a replayed response", answer: |it| it.seen(), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "the victim's key, signed by the attacker", answer: |it| (it.victim_key(), it.own().1), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "the victim's response, with the attacker's key", answer: |it| (it.own().0, it.seen().1), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "the attacker's answer to the nonce of another connection", answer: |it| it.signs(&it.seen_challenge.clone()), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "the nonce in the challenge of another host", answer: |it| it.signs(&it.asked().replace(HOST, "sea.example")), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "the nonce in the challenge of the same host and another port", answer: |it| it.signs(&it.asked().replace(":8080", ":80")), why: WRONG, retries: 3, standing: Nobody },
    // What the signature is made of.
    Attack { name: "S + L: the same signature, another form", answer: |it| it.with_response(plus_order), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "a bit of R is another", answer: |it| it.with_response(|it| flipped(it, 0)), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "a bit of S is another", answer: |it| it.with_response(|it| flipped(it, 32)), why: WRONG, retries: 3, standing: Nobody },
    Attack { name: "nothing but zeros", answer: |it| it.with_response(|_| [0; 64]), why: WRONG, retries: 3, standing: Nobody },
    // Keys with which anybody can sign. The signature is good to whoever is not strict.
    Attack { name: "the key of order 1", answer: |_| weak_answer(IDENTITY), why: WEAK, retries: 3, standing: Nobody },
    Attack { name: "the key of order 2", answer: |_| weak_answer(ORDER_2), why: WEAK, retries: 3, standing: Nobody },
    Attack { name: "a key of order 4", answer: |_| weak_answer([0; 32]), why: WEAK, retries: 3, standing: Nobody },
    Attack { name: "a key of order 8", answer: |_| weak_answer(ORDER_8), why: WEAK, retries: 3, standing: Nobody },
    Attack { name: "the key of order 1, in its other form", answer: |_| weak_answer(IDENTITY_AGAIN), why: NO_KEY, retries: 3, standing: Nobody },
    Attack { name: "a key that is no point", answer: |it| (PublicKey::new(NO_POINT).to_string(), it.own().1), why: NO_KEY, retries: 3, standing: Nobody },
    // How it is written.
    Attack { name: "a truncated signature", answer: |it| it.written(|_, response| { response.truncate(84); }), why: response_length(84), retries: 3, standing: Nobody },
    Attack { name: "an empty signature", answer: |it| it.written(|_, response| response.clear()), why: response_length(0), retries: 3, standing: Nobody },
    Attack { name: "a signature and more", answer: |it| it.written(|_, response| response.push_str("AAAA")), why: response_length(90), retries: 3, standing: Nobody },
    Attack { name: "a padded signature", answer: |it| it.written(|_, response| response.push_str("==")), why: response_length(88), retries: 3, standing: Nobody },
    Attack { name: "a signature with bits that say nothing", answer: |it| it.written(|_, response| trail(response)), why: RESPONSE_FORM, retries: 3, standing: Nobody },
    Attack { name: "a signature in the alphabet of plain base64", answer: |it| it.written(|_, response| plain(response)), why: RESPONSE_FORM, retries: 3, standing: Nobody },
    Attack { name: "a signature of emoji", answer: |it| it.written(|_, response| *response = "🎣".repeat(86)), why: RESPONSE_FORM, retries: 3, standing: Nobody },
    Attack { name: "a truncated key", answer: |it| it.written(|key, _| key.truncate(42)), why: key_length(42), retries: 3, standing: Nobody },
    Attack { name: "a padded key", answer: |it| it.written(|key, _| key.push('=')), why: key_length(44), retries: 3, standing: Nobody },
    Attack { name: "a key with bits that say nothing", answer: |it| it.written(|key, _| trail(key)), why: KEY_FORM, retries: 3, standing: Nobody },
    Attack { name: "a key that goes on and on", answer: |it| it.written(|key, _| *key = "A".repeat(60_000)), why: key_length(60_000), retries: 3, standing: Nobody },
    // When it comes. What has expired has cost a try already.
    Attack { name: "an answer at the end of its time", answer: |it| it.waits(10_000).own(), why: Rejection::Late, retries: 3, standing: Nobody },
    Attack { name: "an answer to the first challenge after the third", answer: |it| { let old = it.asked(); it.waits(60_000).signs(&old) }, why: WRONG, retries: 1, standing: Nobody },
    Attack { name: "the same late answer twice", answer: |it| { let old = it.asked(); let late = it.waits(30_000).signs(&old); it.is_late(&late); late }, why: WRONG, retries: 2, standing: Nobody },
    Attack { name: "a late answer after another that is no answer", answer: |it| { let old = it.asked(); it.waits(10_000); it.is_late(&it.seen()); it.signs(&old) }, why: WRONG, retries: 2, standing: Nobody },
    Attack { name: "a late answer after a wrong one", answer: |it| { let old = it.asked(); it.waits(30_000); it.rejected(1); it.signs(&old) }, why: WRONG, retries: 1, standing: Nobody },
    Attack { name: "a late answer after the right one to the next challenge", answer: |it| { let old = it.asked(); it.waits(30_000); it.registers(); it.signs(&old) }, why: Rejection::Unasked, retries: 3, standing: Attacker },
    Attack { name: "a late answer after the right one, to the challenge after that", answer: |it| { let old = it.asked(); it.waits(30_000); it.registers(); it.waits(60_000).signs(&old) }, why: WRONG, retries: 3, standing: Attacker },
    Attack { name: "a late answer with another key than that of the registration", answer: |it| { it.registers(); let old = { it.waits(30_000); it.asked() }; it.waits(60_000); (pair(9).public_key().to_string(), signed(&pair(9), &old)) }, why: WRONG, retries: 2, standing: Nobody },
    Attack { name: "an answer to a challenge that was rejected", answer: |it| { let old = it.own(); it.rejected(1); old }, why: WRONG, retries: 2, standing: Nobody },
    Attack { name: "the same right answer twice", answer: |it| it.registers(), why: Rejection::Unasked, retries: 3, standing: Attacker },
    Attack { name: "two answers to one challenge, with two keys", answer: |it| { let old = it.asked(); it.registers(); (pair(9).public_key().to_string(), signed(&pair(9), &old)) }, why: Rejection::Unasked, retries: 3, standing: Attacker },
    Attack { name: "another key after the registration", answer: |it| { it.registers(); it.waits(30_000).signs_with(&pair(9)) }, why: Rejection::OtherKey, retries: 3, standing: Attacker },
    Attack { name: "another key after the registration was lost", answer: |it| { it.registers(); it.waits(60_000).signs_with(&pair(9)) }, why: Rejection::OtherKey, retries: 2, standing: Nobody },
    Attack { name: "the last but one of many wrong answers", answer: |it| { it.rejected(2); it.seen() }, why: WRONG, retries: 1, standing: Nobody },
];

impl Scene {
    fn new() -> Self {
        let victim = pair(2);
        let mut seen = Counter::with(RegistrarSettings::default(), [2; 32]);
        let seen_challenge = seen.challenge.clone();
        seen.answers(&victim);
        assert!(seen.passes_on());
        Scene {
            counter: Counter::new(),
            seen_challenge,
            victim,
            attacker: pair(7),
        }
    }

    fn asked(&self) -> String {
        self.counter.challenge.clone()
    }

    fn victim_key(&self) -> String {
        self.victim.public_key().to_string()
    }

    /// What the victim has answered on its own connection.
    fn seen(&self) -> Answer {
        (
            self.victim_key(),
            signed(&self.victim, &self.seen_challenge),
        )
    }

    /// The right answer to the newest challenge, with the attacker's own key.
    fn own(&self) -> Answer {
        self.signs(&self.asked())
    }

    fn signs(&self, challenge: &str) -> Answer {
        let key = self.attacker.public_key();
        (key.to_string(), signed(&self.attacker, challenge))
    }

    fn signs_with(&self, pair: &KeyPair) -> Answer {
        (pair.public_key().to_string(), signed(pair, &self.asked()))
    }

    /// The right answer, with another signature made of its own.
    fn with_response(&self, change: fn([u8; 64]) -> [u8; 64]) -> Answer {
        let (key, response) = self.own();
        let response: Response = response.parse().unwrap();
        (key, Response::new(change(*response.as_bytes())).to_string())
    }

    /// The right answer, written otherwise.
    fn written(&self, change: fn(&mut String, &mut String)) -> Answer {
        let (mut key, mut response) = self.own();
        change(&mut key, &mut response);
        (key, response)
    }

    fn waits(&mut self, millis: u64) -> &Self {
        self.counter.waits_until(super::millis(millis));
        self
    }

    /// So many wrong answers are rejected.
    fn rejected(&mut self, times: usize) {
        for _ in 0..times {
            let (public_key, response) = self.seen();
            self.counter.hears(&RegistrantMessage::Answer {
                public_key,
                response,
            });
        }
    }

    /// An answer is late, and takes no try.
    fn is_late(&mut self, (public_key, response): &Answer) {
        self.counter.noticed();
        self.counter.hears(&RegistrantMessage::Answer {
            public_key: public_key.clone(),
            response: response.clone(),
        });
        let at = self.counter.now;
        let (why, retries) = (Rejection::Late, 3);
        let late = RegistrarEvent::Rejected { at, why, retries };
        assert_eq!(self.counter.noticed(), [late]);
    }

    /// The attacker registers, with its own key and nothing wrong. Gives the answer by which it did.
    fn registers(&mut self) -> Answer {
        let own = self.own();
        self.counter.answers(&self.attacker.clone());
        assert!(self.counter.passes_on());
        own
    }
}

#[test]
fn no_attack_registers_anybody() {
    for attack in ATTACKS {
        let name = attack.name;
        let mut scene = Scene::new();
        let (public_key, response) = (attack.answer)(&mut scene);
        let former = scene.asked();
        let counter = &mut scene.counter;
        counter.sent();
        counter.noticed();
        counter.hears(&RegistrantMessage::Answer {
            public_key: public_key.clone(),
            response,
        });

        let rejected = RegistrarEvent::Rejected {
            at: counter.now,
            why: attack.why,
            retries: attack.retries,
        };
        assert_eq!(counter.noticed(), [rejected], "{name}");
        let sent = counter.sent();
        let [
            RegistrarMessage::Rejected {
                public_key: echo,
                retries,
                challenge,
                ..
            },
        ] = &sent[..]
        else {
            panic!("{name}: {sent:?}")
        };
        assert!(
            public_key.starts_with(echo.as_str()) && echo.len() <= 128,
            "{name}: {echo}"
        );
        assert_eq!(*retries, attack.retries, "{name}");
        assert_ne!(*challenge, former, "{name}");

        let is_registered = attack.standing == Standing::Attacker;
        assert_eq!(counter.passes_on(), is_registered, "{name}");
        // Who has a key of its own can register with it still.
        counter.answers(&scene.attacker);
        let sent = counter.sent();
        assert!(
            matches!(sent[..], [RegistrarMessage::Accepted { .. }]),
            "{name}: {sent:?}"
        );
    }
}

#[test]
fn whoever_is_not_strict_would_take_the_answers_of_weak_keys() {
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};
    for key in [IDENTITY, IDENTITY_AGAIN, ORDER_2, [0; 32], ORDER_8] {
        let (_, response) = weak_answer(key);
        let response: Response = response.parse().unwrap();
        let verifies = |number: u8| {
            let signature = Signature::from_bytes(response.as_bytes());
            let challenge = challenge(HOST, number);
            let key = VerifyingKey::from_bytes(&key).unwrap();
            key.verify(challenge.as_bytes(), &signature).is_ok()
        };
        assert!((0..=255).any(verifies), "{key:?}");
    }
}

#[test]
fn a_flood_of_wrong_answers_ends_after_four() {
    let mut scene = Scene::new();
    scene.rejected(100);
    let noticed = scene.counter.noticed();
    let retries: Vec<_> = noticed
        .iter()
        .map(|event| match event {
            RegistrarEvent::Rejected { retries, .. } => *retries,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(retries, [3, 2, 1, 0]);
    let farewell = scene.counter.closed.unwrap();
    assert_eq!(
        (farewell.code(), farewell.reason()),
        (1008, "no challenge was answered rightly")
    );
}

#[test]
fn a_flood_of_right_answers_that_nobody_asked_for_is_slowed_down() {
    // Each wrong one brings a challenge, and the right answer to that gives the tries back.
    let mut scene = Scene::new();
    scene.registers();
    let mut refused = 0;
    for _ in 0..100 {
        let (public_key, response) = scene.seen();
        let counter = &mut scene.counter;
        counter.hears(&RegistrantMessage::Answer {
            public_key,
            response,
        });
        match &counter.sent()[..] {
            [RegistrarMessage::Rejected { .. }] => counter.answers(&scene.attacker),
            [RegistrarMessage::Error { code, .. }] => {
                assert_eq!(*code, ErrorCode::TooFast);
                refused += 1;
            }
            [] => break,
            other => panic!("{other:?}"),
        }
        counter.sent();
    }
    assert_eq!(refused, 20);
    let farewell = scene.counter.closed.unwrap();
    let reason = "too many messages in too short a time";
    assert_eq!((farewell.code(), farewell.reason()), (1008, reason));
}

#[test]
fn no_challenge_of_another_is_signed() {
    let own = challenge(HOST, 1);
    #[rustfmt::skip]
    let foreign = [
        ("another host", challenge("sea.example", 1)),
        ("another port", challenge("pond.example:8081", 1)),
        ("no port", challenge("pond.example", 1)),
        ("another case", challenge("POND.example:8080", 1)),
        ("a dot more", challenge("pond.example.:8080", 1)),
        ("a host that begins the same", challenge("pond.example:8080.sea.example", 1)),
        ("a host that ends the same", challenge("sea.example@pond.example:8080", 1)),
        ("two hosts", challenge("sea.example:pond.example:8080", 1)),
        ("another protocol", own.replace("wsbeat", "other")),
        ("another version", own.replace("-v1", "-v2")),
        ("something before it", format!(" {own}")),
        ("something after it", format!("{own}\n")),
        ("a nonce that is shorter", own.replacen('A', "", 1)),
        ("a nonce in another form", format!("{}F", &own[..own.len() - 1])),
        ("no nonce", own[..own.len() - 43].to_owned()),
        ("a contract", "I owe you 1,000,000.".to_owned()),
        ("nothing", String::new()),
    ];
    for (name, challenge) in foreign {
        for is_retry in [false, true] {
            let mut desk = Desk::new();
            if is_retry {
                desk.is_challenged(1);
                desk.sent();
                desk.is_rejected(1, 3, &challenge);
            } else {
                let challenge = challenge.clone();
                desk.hears(&RegistrarMessage::Challenge { challenge });
            }
            let at = desk.now;
            let challenge = challenge.clone();
            let event = RegistrantEvent::Foreign { at, challenge };
            assert_eq!(desk.noticed().last(), Some(&event), "{name}");
            // Nor is anything else from then on.
            desk.is_challenged(2);
            desk.waits_until(secs(100));
            assert_eq!(desk.sent(), [], "{name}");
            assert_eq!(desk.closed.map(|it| it.code()), Some(1008), "{name}");
        }
    }
}
