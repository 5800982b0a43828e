"""How EpiCode is started and served; the application never imports from here."""
