//! HTTP in: the webhook for Meta, and the operator's pages.
