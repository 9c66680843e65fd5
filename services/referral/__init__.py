"""Referral: joins reports into cases, sends each case to the competent service, and keeps its life cycle."""
