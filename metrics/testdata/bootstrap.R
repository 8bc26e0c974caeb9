# What R says of the bootstrap over blocks of seconds. R is the oracle here: nothing below
# is computed by wpsbench. R 4.2.2 with boot 1.3-28.1 (Debian's r-base-core and r-cran-boot)
# wrote bootstrap.tsv by
#
#   Rscript bootstrap.R > bootstrap.tsv
#
# Each line is a name and its values, separated by tabs; TestBootstrapAgainstR reads them.

library(boot)

line <- function(name, ...) cat(name, paste0("\t", sprintf("%.17g", c(...))), "\n", sep = "")

# Latencies in nanoseconds, a row per second, whose level wanders: AR(1).
set.seed(20260304)
seconds <- 57; each <- 20; block <- 10
level <- as.numeric(stats::filter(rnorm(seconds, sd = 0.1), 0.5, method = "recursive"))
x <- matrix(round(2e6 * exp(level + rnorm(seconds * each, sd = 0.4))), nrow = seconds)
for (i in 1:seconds) line("second", x[i, ])

# Type 1 is the value of the ceiling rank.
of <- function(rows, q) quantile(as.vector(rows), q, type = 1, names = FALSE)
quantiles <- c(0.5, 0.9, 0.95, 0.99, 0.999)
line("quantiles", of(x, quantiles))

# Blocks from these seconds (from 0), one after the other and the last one cut: the
# quantiles of what they hold.
for (k in 1:5) {
  from <- sample(0:(seconds - block), ceiling(seconds / block), replace = TRUE)
  rows <- as.vector(sapply(from, function(f) f + 1:block))[1:seconds]
  line("drawn", from, of(x[rows, ], quantiles))
}

# The expanded percentile interval's share at each end (Hesterberg 2015, formula 8).
for (n in c(6, 9, 12, 30, 60))
  line("tail", n, pnorm(-sqrt(n / (n - 1)) * qt(0.975, n - 1)))

# The moving-block bootstrap of boot itself: mean, standard deviation and the middle 95 %
# of each quantile over 19,999 resamples.
b <- tsboot(x, function(rows) of(rows, quantiles), R = 19999, l = block, sim = "fixed", endcorr = FALSE)
for (i in seq_along(quantiles)) {
  t <- sort(b$t[, i])
  line("tsboot", quantiles[i], mean(t), sd(t), t[500], t[19500])
}
