"""The page in the browser: photos in, edited photos out, in English and Chinese, and the same for programs."""
