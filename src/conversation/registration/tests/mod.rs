//! Registrars and registrants in virtual time.
