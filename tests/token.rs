//! One-time tokens, asked of a real server: never more often than needed, never used twice.

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use wsbeat::conversation::challenge::TOKEN_LIFETIME;
use wsbeat::hackattic::{Api, OneTimeToken, Site, TokenError, TokenProvider};
use wsbeat::link::{Dialer, Stop, StopReason, Trust, client_config, clock};
use wsbeat::server::{Server, Settings};

#[tokio::test]
async fn an_unused_token_is_given_out_again_until_it_expires_and_a_used_one_never() {
    let server = Server::bind(Settings::new(
        ([127, 0, 0, 1], 0).into(),
        NonZeroU32::MIN,
        1,
        [1; 32],
    ))
    .await
    .unwrap();
    let site: Site = format!("http://{}", server.address().unwrap())
        .parse()
        .unwrap();
    let (stopper, stop) = Stop::channel();
    let serving = tokio::spawn(server.run(stop, |_| {}));

    let tls = client_config(&Trust::default()).unwrap();
    let dialer = Dialer::new(Duration::from_secs(20), tls);
    let api = Api::new(site, &dialer).unwrap();
    let mut provider = TokenProvider::fetching(api, SecretString::from("any"));
    let now = clock::now();
    let token = async |provider: &mut TokenProvider, at| {
        let token = provider.token(at).await.unwrap();
        token.expose_secret().to_owned()
    };

    let first = token(&mut provider, now).await;
    assert_eq!(token(&mut provider, now).await, first);
    let almost = now + TOKEN_LIFETIME - Duration::from_secs(1);
    assert_eq!(token(&mut provider, almost).await, first);

    let second = token(&mut provider, now + TOKEN_LIFETIME).await;
    assert_ne!(second, first);

    provider.spend();
    assert!(provider.can_provide());
    assert_ne!(token(&mut provider, now).await, second);

    stopper.stop(StopReason::Shutdown);
    serving.await.unwrap();
}

#[tokio::test]
async fn a_token_fetched_by_hand_is_the_only_one() {
    let mut provider = TokenProvider::holding(OneTimeToken::from("by hand"));
    let now = clock::now();
    for _ in 0..2 {
        let token = provider.token(now).await.unwrap();
        assert_eq!(token.expose_secret(), "by hand");
    }
    provider.spend();
    assert!(!provider.can_provide());
    assert!(matches!(provider.token(now).await, Err(TokenError::Spent)));
}
