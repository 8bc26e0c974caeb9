package metrics

// Unjudged are the answers of all checks where nobody was asked: unknown, for that reason.
func Unjudged(profile Profile, reason string) []CheckResult {
	out := make([]CheckResult, len(checkInfos))
	for c, info := range checkInfos {
		out[c] = CheckResult{ID: info.id, Name: info.name, Profile: profile.String(), Result: CheckUnknown, Reason: reason}
	}
	return out
}
