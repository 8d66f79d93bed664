"""Effects by family: functions of a photo and a face."""
