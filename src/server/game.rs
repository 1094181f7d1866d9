use std::num::NonZeroU32;

use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;

use crate::conversation::challenge::Interval;

/// How many words a secret has.
const WORDS_IN_A_SECRET: usize = 6;

/// Words that are told apart when they are heard, a phrase of six of which nobody guesses.
const WORDS: [&str; 64] = [
    "acorn", "amber", "anchor", "apple", "autumn", "basket", "beacon", "birch", "blanket",
    "bottle", "branch", "breeze", "bridge", "bronze", "button", "candle", "canyon", "carpet",
    "castle", "cedar", "cherry", "circle", "cloud", "copper", "cotton", "cradle", "desert",
    "dragon", "ember", "engine", "feather", "fiddle", "forest", "garden", "ginger", "glacier",
    "harbor", "hazel", "island", "ivory", "jacket", "kettle", "ladder", "lantern", "lemon",
    "marble", "meadow", "mirror", "needle", "ocean", "orchard", "paper", "pepper", "pillow",
    "planet", "quartz", "ribbon", "river", "saddle", "silver", "spider", "thunder", "velvet",
    "winter",
];

/// What is played: decides the intervals and the secret of each conversation.
#[derive(Clone, Debug)]
pub(super) struct Game {
    pub(super) rounds: NonZeroU32,
    pub(super) seed: u64,
    pub(super) secret: Option<String>,
}

/// What one conversation is played with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deal {
    pub(super) intervals: Vec<Interval>,
    pub(super) secret: String,
}

impl Game {
    /// The deal of the conversation with this number: the same for the same seed.
    pub(super) fn deal(&self, number: u64) -> Deal {
        let drawn = self.drawn(number.into());
        Deal {
            secret: self.secret.clone().unwrap_or(drawn.secret),
            ..drawn
        }
    }

    /// The deal of the game with this number among those that are played to be watched. It is none of
    /// a conversation's, and its secret is always drawn: what everybody is shown must not be what
    /// others play for.
    pub(super) fn deal_to_be_watched(&self, number: u64) -> Deal {
        // Numbers that no conversation has.
        self.drawn(u128::from(number) | 1 << 64)
    }

    fn drawn(&self, stream: u128) -> Deal {
        let mut rng = Pcg64::new(self.seed.into(), stream);
        let intervals = (0..self.rounds.get())
            .map(|_| draw(&Interval::ALL, &mut rng))
            .collect();
        let phrase: Vec<_> = (0..WORDS_IN_A_SECRET)
            .map(|_| draw(&WORDS, &mut rng))
            .collect();
        Deal {
            intervals,
            secret: phrase.join(" "),
        }
    }
}

fn draw<T: Copy, const N: usize>(from: &[T; N], rng: &mut Pcg64) -> T {
    const { assert!(N > 0) };
    from.choose(rng).copied().unwrap_or(from[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_conversation() {
        let game = |seed| Game {
            rounds: NonZeroU32::new(50).unwrap(),
            seed,
            secret: None,
        };
        assert_eq!(game(7).deal(1), game(7).deal(1));
        assert_ne!(game(7).deal(1), game(7).deal(2));
        assert_ne!(game(7).deal(1), game(8).deal(1));

        let deal = game(7).deal(1);
        assert_eq!(deal.intervals.len(), 50);
        for interval in Interval::ALL {
            assert!(
                deal.intervals.contains(&interval),
                "{interval} is never played"
            );
        }
        assert_eq!(deal.secret.split(' ').count(), WORDS_IN_A_SECRET);
        // What a seed means is part of the interface.
        assert_eq!(deal.secret, "fiddle acorn mirror button cherry ocean");
    }

    #[test]
    fn what_is_watched_is_nobodys_game() {
        let game = Game {
            rounds: NonZeroU32::new(50).unwrap(),
            seed: 7,
            secret: Some("open sesame".to_owned()),
        };
        assert_eq!(game.deal(1).secret, "open sesame");
        let watched = game.deal_to_be_watched(1);
        assert_eq!(watched, game.deal_to_be_watched(1));
        assert_ne!(watched.secret, "open sesame");
        assert_ne!(watched.intervals, game.deal(1).intervals);
        assert_ne!(watched.intervals, game.deal_to_be_watched(2).intervals);
    }
}
