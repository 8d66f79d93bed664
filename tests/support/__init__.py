"""What several tests share: subjects without models, made runs, a parser of colours, certificates, and real data."""
