"""The four services of Ibalagh; each stands alone and never imports another."""
