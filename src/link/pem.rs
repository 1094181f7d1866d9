use rustls::pki_types::pem;

/// What is wrong with a PEM file, in words that hold nothing of it: those of the parser repeat the
/// line that it stumbled over, which in a file whose lines are joined is the whole private key.
pub fn pem_fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a section in it has no end: it is cut off, or its lines are joined"
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line that begins a section in it is not of the form -----BEGIN …-----"
        }
        pem::Error::Base64Decode(_) => "what is between the lines of a section is not Base64",
        pem::Error::SectionTooLarge => "a section in it is too long",
        pem::Error::NoItemsFound => "there is nothing in it of the kind that belongs there",
        // The files have been read by then; and what there will be else is not known to be harmless.
        _ => "it is not PEM",
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn a_fault_is_told_without_the_line() {
        for (text, words) in [
            (
                "-----BEGIN PRIVATE KEY-----c2VjcmV0-----END PRIVATE KEY-----",
                "joined",
            ),
            ("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", "no end"),
            ("-----BEGIN c2VjcmV0\n", "begins"),
            (
                "-----BEGIN PRIVATE KEY-----\nc2Vjc!mV0\n-----END PRIVATE KEY-----\n",
                "Base64",
            ),
            ("c2VjcmV0", "nothing"),
        ] {
            let error = PrivateKeyDer::from_pem_slice(text.as_bytes()).unwrap_err();
            let fault = pem_fault(&error);
            assert!(fault.contains(words), "{text}: {fault}");
            assert!(!fault.contains("c2Vj"), "{fault}");
        }
    }
}
