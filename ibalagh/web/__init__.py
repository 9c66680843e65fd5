"""What every service's HTTP interface shares: problem details, sign-in, limits, headers, pages, commands."""
